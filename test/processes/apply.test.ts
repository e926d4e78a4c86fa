import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { backupDirectoryOf } from "../../server/config/disk/config-backups.ts";
import { ConfigStore } from "../../server/config/config-store.ts";
import { parseApplyResult, type ApplyResult } from "../../server/contract/apply-result.ts";
import { removeShared, TryServer, workerOf } from "./try-server.ts";

let server: TryServer;
beforeEach(async () => (server = await TryServer.create()));
afterEach(() => server.dispose());
after(removeShared);

const secret = "correct-horse-battery-staple";
const desired = (...users: object[]) => JSON.stringify({ hubs: [{ name: "DEFAULT", users }] });
const alice = { name: "alice", password: secret };

async function apply(input: string, ...words: string[]): Promise<ApplyResult> {
  const { code, stdout, stderr } = await server.runWith(input, "apply", "--json", ...words);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trimEnd().split("\n").length, 1);
  const result = parseApplyResult(JSON.parse(stdout));
  const ended = result.endedSessions.map((name) => `session ${name} ended`);
  const notes = [...result.changes, ...ended].map((change) => `vpnserver: ${change}\n`);
  assert.equal(stderr, notes.join(""));
  return result;
}

/** Fails when a file of the server holds the secret. */
async function assertNoSecret(): Promise<void> {
  const { stateDirectory } = server.paths;
  for (const name of await readdir(stateDirectory, { recursive: true })) {
    const path = join(stateDirectory, name);
    if ((await stat(path)).isFile()) assert.ok(!(await readFile(path, "utf8")).includes(secret), path);
  }
}

const users = async () =>
  (await ConfigStore.open(server.paths)).hubs.map(({ name, users: all }) => [name, [...all.keys()]]);

describe("apply", () => {
  test("changes a running server at once, without another worker, and is kept for the next start", async () => {
    const worker = workerOf(await server.start());
    const certificate = await readFile(server.paths.certificateFile, "utf8");
    const dry = await apply(desired(alice), "--dry-run");
    assert.deepEqual(await users(), [["DEFAULT", []]]);
    const result = await apply(desired(alice));
    // It follows from the MAC address that the hub made up.
    const ipv6Address = result.networks?.[0]?.ipv6Address ?? "";
    assert.match(ipv6Address, /^fd[0-9a-f:]+::1\/64$/);
    assert.deepEqual(result, {
      changed: true,
      changes: ["hub DEFAULT: SecureNAT on", "hub DEFAULT: user alice created"],
      endedSessions: [],
      certificate,
      hubs: ["DEFAULT"],
      networks: [
        {
          hub: "DEFAULT",
          address: "192.168.30.1/24",
          ipv6Address,
          nat: true,
          dhcpRange: "192.168.30.10-192.168.30.200",
          leaseSeconds: 7_200,
          gateway: "192.168.30.1",
          nameServers: ["192.168.30.1"],
        },
      ],
    });
    assert.deepEqual(dry, result);
    assert.deepEqual(await apply(desired(alice)), { ...result, changed: false, changes: [] });
    assert.deepEqual(await users(), [["DEFAULT", ["alice"]]]);
    await apply('{"hubs":[{"name":"Second","online":false}]}');
    const status = await server.status();
    assert.equal(workerOf(status), worker);
    assert.deepEqual(status.hubs, [
      // Its only user is gone by now, and SecureNAT with what was applied.
      { name: "DEFAULT", online: true, sessions: 0 },
      { name: "Second", online: false, sessions: 0 },
    ]);
    assert.match((await server.run("status")).stdout, /^ {2}hub Second: offline, 0 sessions$/m);
    await assertNoSecret();
  });

  test("changes the files of a server that does not run, and starts none", async () => {
    const { code, stdout } = await server.runWith(desired(alice), "apply");
    const changed = "Changed:\n  hub DEFAULT: SecureNAT on\n  hub DEFAULT: user alice created\n";
    assert.deepEqual({ code, stdout }, { code: 0, stdout: changed });
    assert.deepEqual(await users(), [["DEFAULT", ["alice"]]]);
    const again = await server.runWith(desired(alice), "apply");
    assert.deepEqual([again.code, again.stdout], [0, "Nothing differs.\n"]);
    assert.equal((await server.run("status")).code, 4);
    await assertNoSecret();
    const { hubs } = await server.start();
    const natReason = hubs?.[0]?.secureNat?.natReason ?? assert.fail("there is no reason");
    // Without native calls there is no interface for the kernel; nor is there for a user.
    assert.match(natReason, /^(no native calls: VPNSERVER_NATIVE is off|the server has no right to .+)$/);
    // Whether the host of the tests has a way by IPv6 is its own affair.
    const { ipv6, ipv6Reason } = hubs?.[0]?.secureNat ?? assert.fail();
    assert.equal(ipv6, ipv6Reason === undefined ? "user" : "refused");
    const ofIpv6 = ipv6Reason === undefined ? { ipv6 } : { ipv6, ipv6Reason };
    const secureNat = {
      address: "192.168.30.1/24",
      leases: 0,
      connections: 0,
      nat: "user",
      natReason,
      ...ofIpv6,
    };
    assert.deepEqual(hubs, [{ name: "DEFAULT", online: true, sessions: 0, secureNat }]);
    const ipv6Text = ipv6Reason === undefined ? "IPv6" : `IPv6 refused (${ipv6Reason})`;
    const shown = (await server.run("status")).stdout;
    assert.ok(
      shown.includes(
        "hub DEFAULT: online, 0 sessions; SecureNAT 192.168.30.1/24, 0 leases, 0 connections " +
          `(not by the host's kernel: ${natReason}), ${ipv6Text}\n`,
      ),
      shown,
    );
  });

  test("several at once, and one that meets a start, all come to pass", async () => {
    const starting = server.start();
    await Promise.all([apply(desired(alice)), apply(desired(alice, { name: "bob", anonymous: true }))]);
    await starting;
    await apply(desired({ name: "bob", anonymous: true }));
    assert.deepEqual(await users(), [["DEFAULT", ["bob"]]]);
  });

  for (const [input, problem] of [
    ["", /standard input is empty/],
    ['{"hubs": correct-horse', /standard input is not JSON/],
    ["\xff", /standard input is not JSON/],
    ["{}", /hubs: is missing/],
    [
      desired({ name: "alice", password: secret, group: "staff" }),
      /hubs\[0\]\.users\[0\]\.group: there is no group "staff"/,
    ],
    [desired({ ...alice, pasword: secret }), /hubs\[0\]\.users\[0\]\.pasword: is not known here/],
  ] as const) {
    for (const running of [true, false]) {
      test(`refuses ${JSON.stringify(input).slice(0, 60)} on a server that ${running ? "runs" : "is stopped"}`, async () => {
        if (running) await server.start();
        const { code, stdout, stderr } = await server.runWith(input, "apply");
        assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
        assert.match(stderr, problem);
        assert.doesNotMatch(stderr, /horse/);
        assert.deepEqual(await users(), [["DEFAULT", []]]);
      });
    }
  }

  test("tells of a configuration that cannot be read and has no backup, and leaves it as it is", async () => {
    const { configFile } = server.paths;
    await rm(backupDirectoryOf(configFile), { recursive: true });
    await writeFile(configFile, "damaged");
    const { code, stderr } = await server.runWith(desired(alice), "apply");
    assert.equal(code, 7);
    assert.ok(stderr.includes(configFile));
    assert.equal(await readFile(configFile, "utf8"), "damaged");
  });
});
