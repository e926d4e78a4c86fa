import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { LiveConfiguration } from "../../server/config/live-configuration.ts";
import { ConfigStore } from "../../server/config/config-store.ts";
import { StateApplier } from "../../server/desired/state-applier.ts";
import { Lab } from "../lab/lab.ts";
import { serverIdentity } from "../unit/identity/make-certificate.ts";
import { identity } from "../unit/access/client-certificate.ts";
import { SoftEtherProgram } from "./support/softether-program.ts";

let lab: Lab;
let official: SoftEtherProgram;
let desired: object;

before(async () => {
  lab = await Lab.create();
  official = await SoftEtherProgram.start("vpnserver", await lab.station("server"), 5555);
  const { certificate } = await identity();
  const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----`;
  desired = {
    hubs: [
      {
        name: "DEFAULT",
        adminPassword: "secret of the hub",
        maxSessions: 9,
        message: "Welcome\nto the hub",
        options: { NoEnum: true },
        log: { packetLog: { udp: 2 } },
        trustedAuthorities: [pem],
        groups: [{ name: "staff", realName: "The staff", policy: { MaxDownload: 1_000_000 } }],
        users: [
          {
            name: "alice",
            password: "secret of alice",
            group: "staff",
            realName: "Älice",
            note: "100 $ #",
            expires: "2030-01-02T03:04:05Z",
            policy: { MaxConnection: 3, NoBridge: true },
          },
          { name: "bob", anonymous: true },
          { name: "carol", certificate: pem },
          { name: "dave", signedCertificate: { commonName: "Dave", serial: "0A:0B" } },
        ],
        accessList: [
          {
            action: "pass",
            note: "web",
            sourceNetwork: "10.0.0.0/8",
            sourceUser: "alice",
            protocol: "tcp",
            destinationPorts: "80-90",
            established: true,
          },
          {
            action: "discard",
            sourceNetwork: "2001:db8::/33",
            sourceMac: "02-00-5E-00-53-00/FF-FF-FF-FF-FF-00",
            destinationUser: "staff",
          },
          {
            action: "pass",
            delayMs: 5,
            jitterPercent: 6,
            lossPercent: 7,
            redirectUrl: "http://example.com/",
          },
        ],
      },
      { name: "Second hub", online: false },
    ],
  };
});
after(() => lab?.dispose());

const known = await serverIdentity("CN=server");

/** Applies the desired state to the files in a folder of the lab, and gives what changed. */
async function apply(folder: string): Promise<readonly string[]> {
  const paths = { configFile: configFileIn(folder), appliedFile: join(lab.directory, `${folder}.json`) };
  const applier = new StateApplier({
    paths,
    configuration: new LiveConfiguration(await ConfigStore.open(paths)),
    identity: { current: known, replace: () => Promise.reject(new Error("none is desired")) },
  });
  return (await applier.apply({ desired, dryRun: false })).changes;
}

const configFileIn = (folder: string) => join(lab.directory, `${folder}.config`);

/** `vpncmd` takes a path that begins with a slash for an option. It runs in the root folder. */
const withoutSlash = (path: string) => path.slice(1);

/** One command of the administration, of a hub if one is named. */
async function administer(hub: string | undefined, ...command: string[]): Promise<string> {
  const how = hub === undefined ? ["/SERVER"] : ["/SERVER", `/ADMINHUB:${hub}`];
  return (await official.vpncmd(how, command)).stdout;
}

/** Gives the official server a configuration, with which it starts again. */
async function configure(file: string): Promise<void> {
  const isThere = async () => {
    const { stdout } = await official.vpncmd(["/SERVER"], ["HubList"], false);
    return stdout.includes("Second hub");
  };
  assert.equal(await isThere(), false);
  await official.vpncmd(["/SERVER"], ["ConfigSet", withoutSlash(file)]);
  const deadline = performance.now() + 60_000;
  while (!(await isThere())) {
    assert.ok(performance.now() < deadline, "the official server has not taken the configuration");
    await delay(200);
  }
}

describe("vpn_server.config", () => {
  test("of ours is taken by the official server with hubs, users, groups and rules", async () => {
    assert.notDeepEqual(await apply("ours"), []);
    await configure(configFileIn("ours"));
    const users = await administer("DEFAULT", "UserList");
    for (const line of [
      /^alice,Älice,staff,100 \$ #,Password Authentication,.*,2030-01-02 /m,
      /^bob,,-,,Anonymous Authentication,/m,
      /^carol,,-,,Individual Certificate Authentication,/m,
      /^dave,,-,,Signed Certificate Authentication,/m,
    ]) {
      assert.match(users, line);
    }
    assert.match(await administer("DEFAULT", "GroupGet", "staff"), /^MaxDownload,.*,"?1,?000,?000 bps/m);
    assert.match(await administer(undefined, "HubList"), /^Second hub,Offline,/m);
    const rules = await administer("DEFAULT", "AccessList");
    assert.match(
      rules,
      /SrcIPv4=10\.0\.0\.0\/8, Protocol=TCP, DstPort=80-90, SrcUser=alice, Established",web$/m,
    );
    assert.match(rules, /SrcIPv6=2001:db8::\/33, DstUser=staff, SrcMac=02-00-5E-00-53-00\/FF-FF-FF-FF-FF-00/);
    assert.match(rules, /Delay=5, Jitter=6, Loss=7, RedirectUrl=http:\/\/example\.com\//);
  });

  test("of ours holds the hub's administration password as the official server checks it", async () => {
    const login = (password: string) => ["localhost", "/SERVER", "/HUB:DEFAULT", `/PASSWORD:${password}`];
    const command = ["/CMD", "StatusGet"];
    await official.run("vpncmd", [...login("secret of the hub"), ...command], { timeoutMs: 30_000 });
    // With a wrong one it asks for another, for ever.
    const asking = official.station.spawn("vpncmd", [...login("another"), ...command], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 30_000,
    });
    let said = "";
    for await (const chunk of asking.stdout ?? []) {
      said += String(chunk);
      if (said.includes("Access has been denied")) asking.kill("SIGKILL");
    }
    assert.match(said, /Access has been denied/);
  });

  test("that the official server made of it means the same here", async () => {
    await administer(undefined, "ConfigGet", withoutSlash(configFileIn("official")));
    assert.deepEqual(await apply("official"), []);
  });

  test("of the official server is byte for byte the same where nothing changed", async () => {
    const before = await readFile(configFileIn("official"));
    const copy = configFileIn("copy");
    await writeFile(copy, before);
    await (await ConfigStore.open({ configFile: copy })).updateHubs((hubs) => hubs);
    assert.deepEqual(await readFile(copy), before);
  });
});
