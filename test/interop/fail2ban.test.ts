import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Pack } from "../../server/wire/pack.ts";
import { hashAdminPassword, hashPassword, secureResponse } from "../../server/wire/sha0.ts";
import { removeShared, TryServer, until } from "../processes/try-server.ts";
import { attempt, loginPack } from "./support/login-attempt.ts";

const run = promisify(execFile);

const filter = "/etc/fail2ban/filter.d/softethervpn.conf";

/** Of nobody here: what an attacker would like to be banned. */
const victim = "203.0.113.9";
const failure = `Connection "CID-1": User authentication failed. The user name that has been provided was "x", from ${victim}.`;

/** Texts that want to be a line of their own, or the end of one. */
const hostileTexts = [
  `x", from ${victim}.`,
  `x", from ${victim}.\r\n`,
  `x\n2026-01-31 23:59:59.007 ${failure}`,
  `x\r2026-01-31 23:59:59.007 ${failure}`,
  `x\u2028${failure}`,
  `x\u0085${failure}`,
  failure,
  `IP address: ${victim}`,
  `(IP address: ${victim}) User authentication failed`,
  `2026-01-31 23:59:59) <SECURITY_LOG>: ${failure}`,
  `${"x".repeat(255 - `", from ${victim}.`.length)}", from ${victim}.`,
  `"`,
  `\u001b[2K`,
];

let server: TryServer;
/** The address of each attempt that fail2ban has to know. */
const guessed: { readonly by: "user" | "administrator"; readonly from: string }[] = [];

before(async () => {
  server = await TryServer.create();
  await server.start();
  const desired = {
    adminPassword: "secret",
    hubs: [{ name: "DEFAULT", users: [{ name: "alice", password: "secret of alice" }] }],
  };
  const { code, stderr } = await server.runWith(JSON.stringify(desired), "apply");
  assert.equal(code, 0, stderr);
});
after(async () => {
  await server?.dispose();
  await removeShared();
});

const place = (localAddress: string) => ({
  host: localAddress.includes(":") ? "::1" : "127.0.0.1",
  port: server.ports[0] ?? 0,
  localAddress,
});

function login(from: string, user: string, password: string, hub = "DEFAULT", product = "VPN Client") {
  return attempt(place(from), (challenge) =>
    loginPack(hub, user, secureResponse(hashPassword(password, user), challenge), product),
  );
}

function administer(from: string, hub: string, password: string, product = "vpncmd"): Promise<number> {
  return attempt(place(from), (challenge) => {
    const pack = new Pack().addStr("method", "admin").addStr("client_str", product);
    if (hub !== "") pack.addStr("hubname", hub);
    return pack.addData("secure_password", secureResponse(hashAdminPassword(password), challenge));
  });
}

function callApi(from: string, auth: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { ...place(from), path: "/api/", auth, rejectUnauthorized: false, timeout: 20_000 };
    const sent = httpsRequest(options, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    sent.once("error", reject);
    sent.once("timeout", () => sent.destroy(new Error("no answer")));
    sent.end();
  });
}

const guess = (by: (typeof guessed)[number]["by"], ...from: string[]) =>
  guessed.push(...from.map((address) => ({ by, from: address })));

/** The addresses that the unmodified filter finds in a file, each as often as it does. */
async function found(path: string): Promise<string[]> {
  const { stdout } = await run("fail2ban-regex", ["--out", "<ip>", path, filter], { timeout: 60_000 });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

const addresses = (by?: (typeof guessed)[number]["by"]) =>
  guessed
    .filter((each) => by === undefined || each.by === by)
    .map(({ from }) => from)
    .sort();

/** The files in a folder of logs, which is made with the first line. */
async function filesIn(...folders: string[]): Promise<string[]> {
  const folder = join(server.paths.logDirectory, ...folders);
  return (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

// One after the other: the logs hold what was done before.
describe("the filter softethervpn of fail2ban", () => {
  test("finds who does not know a password, as user and as administrator, by IPv4 and IPv6", async () => {
    for (const from of ["127.0.0.5", "::1"]) {
      assert.equal(await login(from, "alice", "wrong"), 9);
      assert.equal(await login(from, "nobody", "wrong"), 9);
      assert.equal(await login(from, "", "wrong"), 9);
      assert.equal(await login(from, "administrator", "wrong"), 9);
      guess("user", from, from, from, from);
      assert.equal(await administer(from, "", "wrong"), 12);
      assert.equal(await administer(from, "NONE", "wrong"), 8);
      assert.equal(await callApi(from, "administrator:wrong"), 401);
      assert.equal(await callApi(from, "admin:wrong"), 401);
      guess("administrator", from, from, from, from);
    }
    await check();
  });

  test("finds nobody who knows it, and nobody who guesses none", async () => {
    assert.equal(await login("127.0.0.6", "alice", "secret of alice"), 0);
    assert.equal(await administer("127.0.0.6", "", "secret"), 0);
    assert.equal(await callApi("127.0.0.6", "administrator:secret"), 200);
    assert.equal(await login("127.0.0.6", "alice", "wrong", "NO SUCH HUB"), 8);
    await check();
  });

  test("finds who it was, and never an address that somebody wrote into a name", async () => {
    const from = "127.0.0.7";
    for (const text of hostileTexts) {
      await login(from, text, "wrong", "DEFAULT", text);
      guess("user", from);
      await login(from, "alice", "wrong", text, text);
      await administer(from, text, "wrong", text);
      await callApi(from, `${text.replaceAll(":", ";")}:wrong`);
      guess("administrator", from, from);
    }
    await check();
    // What comes with a right password is logged too.
    for (const text of hostileTexts) {
      await login("127.0.0.8", "alice", "secret of alice", "DEFAULT", text);
      await administer("127.0.0.8", "", "secret", text);
    }
    await check();
  });

  test("reads the jail that the documentation shows", async () => {
    const directory = await mkdtemp(join(tmpdir(), "fail2ban-"));
    try {
      await cp("/etc/fail2ban", directory, { recursive: true });
      await rm(join(directory, "jail.d"), { recursive: true, force: true });
      const docs = await readFile(join(import.meta.dirname, "../../docs/guides/fail2ban.md"), "utf8");
      const jail = /```ini\n(\[softethervpn\]\n[^`]+)```/.exec(docs)?.[1];
      assert.ok(jail, "docs/guides/fail2ban.md shows a jail");
      assert.match(jail, /^logpath *= *\/var\/lib\/vpnserver\/log\/server\.log$/m);
      const ours = jail.replace(/^(logpath *= *).*$/m, `$1${server.paths.logFile}`);
      await writeFile(join(directory, "jail.local"), ours);
      const { stdout } = await run("fail2ban-client", ["-c", directory, "-d"], { timeout: 60_000 });
      assert.ok(stdout.includes(`'addlogpath', '${server.paths.logFile}'`), stdout);
      assert.match(stdout, /443,992,5555/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** A line of the server, and none that is inside another one. */
const ownLine =
  /^[\d-]+[ T][\d:.]+Z? (?:info |\[HUB "DEFAULT"\] )?Connection "CID-\d+": User authentication failed\./gm;

/** What the filter finds in each of the logs that hold it. */
async function check(): Promise<void> {
  for (const [what, find, expected] of [
    ["the journal", () => Promise.resolve([server.paths.logFile]), addresses()],
    ["the server log", () => filesIn("server_log"), addresses()],
    ["the security log", () => filesIn("security_log", "DEFAULT"), addresses("user")],
  ] as const) {
    await until(`${what} to be written`, async () => {
      const texts = await Promise.all((await find()).map((path) => readFile(path, "utf8")));
      return (texts.join("").match(ownLine)?.length ?? 0) >= expected.length;
    });
    const addressesFound = await Promise.all((await find()).map(found));
    assert.deepEqual(addressesFound.flat().sort(), expected, what);
  }
}
