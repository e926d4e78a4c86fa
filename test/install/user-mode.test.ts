import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseUninstallResult } from "../../server/contract/uninstall-result.ts";
import { InstanceLock } from "../../server/platform/instance-lock.ts";
import { sha256OfFile } from "../../server/install/releases.ts";
import { occupy } from "../processes/ports.ts";
import { anotherRelease, builtRelease, hangingRelease, muteRelease } from "./release-variants.ts";
import { ended, isServer, resultOf, TryInstall } from "./try-install.ts";

let releases: string;
let [built, second, third, mute, hanging] = ["", "", "", "", ""];

before(async () => {
  releases = await mkdtemp(join(tmpdir(), "vpnserver-releases-"));
  built = await sha256OfFile(builtRelease);
  second = await anotherRelease(releases, "second");
  third = await anotherRelease(releases, "third");
  mute = await muteRelease(releases);
  hanging = await hangingRelease(releases);
});
after(() => rm(releases, { recursive: true, force: true }));

describe("the first install in user mode", () => {
  test("leaves a server that serves, and says what it did and why", async () => {
    await using tried = await TryInstall.create();
    const end = await tried.install();

    const result = resultOf(end);
    assert.equal(end.stdout.trimEnd().split("\n").length, 1);
    assert.equal(result.mode, "user");
    assert.equal(result.reason, "it was asked for");
    assert.equal(result.sha256, built);
    assert.equal(result.changed, true);
    assert.deepEqual(
      result.listeners,
      tried.ports.map((port) => ({ port, state: "Listening" })),
    );
    assert.equal(result.firewall.manager, "unmanaged");
    assert.match(
      result.firewall.message,
      new RegExp(`administrator has to open TCP ${tried.ports.join(" and ")}`),
    );
    const status = await tried.status();
    assert.equal(status.release, built);
    assert.equal(status.tlsFingerprint, result.tlsFingerprint);
    assert.equal(status.stateDirectory, tried.state);
    assert.equal((await tried.command("check")).code, 0);
  });

  test("shows its files to nobody else", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    for (const path of [
      ".",
      "releases",
      `releases/${built}/vpnserver`,
      "state",
      "install.json",
      "state/server.key",
    ]) {
      assert.equal(statSync(join(tried.prefix, path)).mode & 0o077, 0, path);
    }
  });

  test("takes the port that can be had, and warns of the other one", async () => {
    await using tried = await TryInstall.create();
    const [taken = 0] = tried.ports;
    const occupant = await occupy(taken);
    try {
      const result = resultOf(await tried.install());
      assert.equal(result.listeners[0]?.state, "Error");
      assert.match(result.warnings.join(), new RegExp(`TCP ${taken} is not open: EADDRINUSE`));
    } finally {
      occupant.close();
    }
  });

  for (const [what, release] of [
    ["does not answer", () => mute],
    ["hangs at its start", () => hanging],
  ] as const) {
    test(`leaves nothing behind when the server ${what}`, async () => {
      await using tried = await TryInstall.create();
      const end = await tried.install({ release: release(), words: ["--health-timeout", "2"] });
      assert.notEqual(end.code, 0);
      assert.match(end.stderr, /does not answer a VPN client|did not start within 2 s/);
      assert.match(end.stderr, /nothing was left on this host/);
      assert.match(end.stderr, /The last lines of the log:\n.*supervisor \d+ started/s);
      assert.equal(end.stdout, "");
      assert.deepEqual(await readdir(tried.directory), []);
    });
  }

  test("leaves nothing behind when it is broken off", async () => {
    await using tried = await TryInstall.create();
    const child = tried.begin({ release: mute });
    const end = ended(child);
    await until(() => existsSync(join(tried.state, "run", "processes.json")));
    child.kill("SIGTERM");
    assert.equal((await end).code, 1);
    assert.match((await end).stderr, /broken off by SIGTERM; nothing was left/);
    assert.deepEqual(await readdir(tried.directory), []);
  });

  test("keeps the state that was there before when it fails", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const certificate = await tried.fingerprintFile();
    assert.equal((await tried.command("uninstall")).code, 0);
    const config = await readFile(join(tried.state, "vpn_server.config"));
    const end = await tried.install({ release: mute, words: ["--health-timeout", "2", "--listeners", "1"] });
    assert.notEqual(end.code, 0);
    assert.equal(await tried.fingerprintFile(), certificate);
    assert.deepEqual(await readFile(join(tried.state, "vpn_server.config")), config);
  });

  test("refuses to take the place of something that is not ours", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    assert.equal((await tried.command("uninstall")).code, 0);
    await rename(tried.state, join(tried.prefix, "current"));
    const end = await tried.install();
    assert.equal(end.code, 1);
    assert.match(end.stderr, /current is there and was not made by an installation/);
    assert.deepEqual(await readdir(tried.prefix), ["current"]);
  });
});

describe("another install", () => {
  test("of the same release changes nothing and restarts nothing", async () => {
    await using tried = await TryInstall.create();
    const first = resultOf(await tried.install());
    const status = await tried.status();
    const { changed, ...again } = resultOf(await tried.install());
    assert.equal(changed, false);
    assert.deepEqual({ ...again, changed: true }, first);
    assert.deepEqual(await tried.status(), status);
  });

  test("starts a server that was stopped, and says so", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    await tried.command("stop");
    const end = await tried.install();
    assert.equal(resultOf(end).changed, true);
    assert.match(end.stderr, /the server does not run/);
    assert.equal((await tried.command("check")).code, 0);
  });

  test("starts a server that was killed", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const { supervisor, worker } = await tried.status();
    for (const pid of [supervisor.pid, worker.pid ?? 0]) process.kill(pid, "SIGKILL");
    assert.equal(resultOf(await tried.install()).changed, true);
    assert.equal((await tried.command("check")).code, 0);
  });

  test("of another release takes its place, with the same certificate, and keeps exactly the previous one", async () => {
    await using tried = await TryInstall.create();
    const first = resultOf(await tried.install());
    const { supervisor } = await tried.status();

    const next = resultOf(await tried.install({ release: second }));
    assert.equal(next.changed, true);
    assert.equal(next.tlsFingerprint, first.tlsFingerprint);
    assert.equal((await tried.status()).release, next.sha256);
    assert.equal(await isServer(supervisor.pid), false);
    assert.deepEqual(await tried.releases(), [first.sha256, next.sha256].sort());

    const last = resultOf(await tried.install({ release: third }));
    assert.deepEqual(await tried.releases(), [next.sha256, last.sha256].sort());
    // Once more the same: the previous one stays the previous one.
    resultOf(await tried.install({ release: third }));
    assert.deepEqual(await tried.releases(), [next.sha256, last.sha256].sort());
  });

  test("puts a damaged release in order again", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    await tried.command("stop");
    await appendFile(join(tried.prefix, "releases", built, "vpnserver"), "damage");
    resultOf(await tried.install());
    assert.equal(await sha256OfFile(join(tried.prefix, "releases", built, "vpnserver")), built);
    assert.equal((await tried.status()).release, built);
  });

  test("with other listeners restarts the server with them", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const [, port = 0] = tried.ports;
    const result = resultOf(await tried.install({ words: ["--listeners", String(port)] }));
    assert.deepEqual(result.listeners, [{ port, state: "Listening" }]);
    assert.equal(result.changed, true);
  });

  test("goes on where one that was killed broke off", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const child = tried.begin({ release: mute });
    const end = ended(child);
    await untilRunning(tried, await sha256OfFile(mute));
    child.kill("SIGKILL");
    await end;
    const result = resultOf(await tried.install({ release: second }));
    assert.equal((await tried.status()).release, result.sha256);
    assert.deepEqual(await tried.releases(), [built, result.sha256].sort());
    assert.equal((await tried.command("check")).code, 0);
  });

  test("is told when another one is at work, and changes nothing", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const lock = InstanceLock.acquire(join(tried.prefix, "install.lock"));
    assert.ok(lock);
    try {
      for (const end of [await tried.install({ release: second }), await tried.command("uninstall")]) {
        assert.equal(end.code, 11);
        assert.match(end.stderr, /at this moment: try again/);
      }
    } finally {
      lock.release();
    }
    assert.deepEqual(await tried.releases(), [built]);
    assert.equal((await tried.status()).release, built);
  });

  for (const [what, words] of [
    ["another mode", ["--mode", "service"]],
    ["another state directory", ["--state-dir", "/var/lib/elsewhere"]],
  ] as const) {
    test(`with ${what} is refused, with the way out`, async () => {
      await using tried = await TryInstall.create();
      resultOf(await tried.install());
      const end = await tried.install({ words });
      assert.equal(end.code, 2);
      assert.match(end.stderr, /take (?:it|the installation) away first \(.*vpnserver uninstall\)/);
      assert.equal((await tried.status()).release, built);
    });
  }
});

describe("a release that does not become healthy", () => {
  for (const [what, release] of [
    ["does not answer", () => mute],
    ["hangs at its start", () => hanging],
  ] as const) {
    test(`because it ${what} is rolled back, with the reason and the log`, async () => {
      await using tried = await TryInstall.create();
      const before = resultOf(await tried.install());
      const end = await tried.install({ release: release(), words: ["--health-timeout", "3"] });
      assert.equal(end.code, 9);
      assert.match(
        end.stderr,
        /was unhealthy and rolled back: .*(?:does not answer|did not start within 3 s)/,
      );
      assert.match(end.stderr, new RegExp(`the previous release ${built} runs again`));
      assert.match(end.stderr, /The last lines of the log:\n/);
      const status = await tried.status();
      assert.equal(status.release, built);
      assert.equal(status.tlsFingerprint, before.tlsFingerprint);
      assert.equal((await tried.command("check")).code, 0);
      assert.deepEqual(await tried.releases(), [built]);
      assert.equal(resultOf(await tried.install()).changed, false);
    });
  }

  test("gives way to the previous one when it is broken off too", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const child = tried.begin({ release: mute });
    const end = ended(child);
    await untilRunning(tried, await sha256OfFile(mute));
    child.kill("SIGINT");
    assert.equal((await end).code, 9);
    assert.match((await end).stderr, /broken off by SIGINT/);
    assert.equal((await tried.status()).release, built);
  });
});

test("listeners that cannot be opened are rolled back", async () => {
  await using tried = await TryInstall.create();
  resultOf(await tried.install());
  const occupant = await occupy(0);
  const { port } = occupant.address() as { port: number };
  try {
    const end = await tried.install({ words: ["--listeners", String(port), "--health-timeout", "3"] });
    assert.equal(end.code, 9);
    assert.match(end.stderr, /the new settings were unhealthy and rolled back.*EADDRINUSE/s);
  } finally {
    occupant.close();
  }
  const { listeners } = await tried.status();
  assert.deepEqual(
    listeners.map(({ port }) => port),
    tried.ports,
  );
});

describe("uninstall", () => {
  test("stops the server and takes away everything but the state", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    const { supervisor, worker } = await tried.status();
    const end = await tried.command("uninstall", "--json");
    assert.equal(end.code, 0, end.stderr);
    assert.deepEqual(parseUninstallResult(JSON.parse(end.stdout)).kept, [tried.state]);
    for (const pid of [supervisor.pid, worker.pid ?? 0]) assert.equal(await isServer(pid), false);
    assert.deepEqual(await readdir(tried.prefix), ["state"]);
    assert.ok(existsSync(join(tried.state, "server.key")));
  });

  test("with --purge takes away the state too, and the folders that were made", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    assert.equal((await tried.command("uninstall", "--purge")).code, 0);
    assert.deepEqual(await readdir(tried.directory), []);
  });

  test("leaves what somebody else put beside it", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    await appendFile(join(tried.prefix, "notes.txt"), "mine");
    await appendFile(join(tried.prefix, "releases", "notes.txt"), "mine");
    const end = await tried.command("uninstall", "--purge");
    assert.equal(end.code, 0);
    assert.match(end.stdout, /vpnserver stays/);
    assert.deepEqual((await readdir(tried.prefix)).sort(), ["notes.txt", "releases"]);
    assert.deepEqual(await readdir(join(tried.prefix, "releases")), ["notes.txt"]);
  });

  test("is content when half of it is gone already", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    await tried.command("stop");
    await rm(tried.state, { recursive: true });
    await rm(join(tried.prefix, "releases"), { recursive: true });
    await rm(join(tried.prefix, "current"));
    assert.equal((await tried.uninstallBy(builtRelease, ["--purge"])).code, 0);
    assert.deepEqual(await readdir(tried.directory), []);
  });

  test("says that nothing is installed where nothing is", async () => {
    await using tried = await TryInstall.create();
    const end = await tried.uninstallBy(builtRelease, ["--purge"]);
    assert.equal(end.code, 8);
    assert.match(end.stderr, /nothing is installed in .*install\.json/);
  });

  test("refuses a record that it does not understand, and names it", async () => {
    await using tried = await TryInstall.create();
    resultOf(await tried.install());
    await appendFile(join(tried.prefix, "install.json"), "}");
    const end = await tried.uninstallBy(builtRelease, ["--purge"]);
    assert.equal(end.code, 7);
    assert.match(end.stderr, /install\.json is not what an installation writes/);
    assert.ok(existsSync(join(tried.prefix, "current", "vpnserver")));
  });
});

function untilRunning(tried: TryInstall, release: string): Promise<void> {
  return until(async () => (await tried.status().catch(() => undefined))?.release === release);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error("the condition was not met within 20 s");
    await sleep(20);
  }
}
