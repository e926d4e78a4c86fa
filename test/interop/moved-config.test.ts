import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { findFolder, type ConfigFolder } from "../../server/config/text/config-node.ts";
import { parseConfig } from "../../server/config/text/config-text.ts";
import { Lab } from "../lab/lab.ts";
import { testCertificate } from "../unit/transport/loopback.ts";
import { OurServer } from "./support/our-server.ts";
import { SoftEtherProgram } from "./support/softether-program.ts";
import { VpnClient } from "./support/vpn-client.ts";
import { normalize } from "./vpncmd/compare.ts";

const password = "moved";
const rule = [
  ...[
    "/SRCUSERNAME:alice",
    "/DESTUSERNAME:staff",
    "/SRCMAC:00-AC-84-EA-33-BC/FF-FF-FF-FF-FF-00",
    "/DESTMAC:",
  ],
  ...["/SRCIP:10.0.0.0/8", "/DESTIP:192.168.0.0/16", "/PROTOCOL:tcp", "/SRCPORT:", "/DESTPORT:80-443"],
  "/TCPSTATE:established",
];
const rule6 = [
  ...["/SRCUSERNAME:", "/DESTUSERNAME:", "/SRCMAC:", "/DESTMAC:", "/SRCIP:2001:db8::/32", "/DESTIP:::/0"],
  ...["/PROTOCOL:udp", "/SRCPORT:53", "/DESTPORT:", "/TCPSTATE:", "/DELAY:100", "/JITTER:20", "/LOSS:5"],
];

type Command = readonly [name: string, ...args: string[]];

/** What somebody may have set up on the official server; `FILE` stands for a file. */
const onServer: readonly Command[] = [
  ["HubCreate", "Office", "/PASSWORD:of the hub"],
  ["HubCreate", "Spare", "/PASSWORD:"],
  ["ListenerDelete", "1194"],
  ["ListenerCreate", "8443"],
  ["ListenerDisable", "992"],
  ["KeepSet", "/HOST:203.0.113.9:80", "/PROTOCOL:udp", "/INTERVAL:60"],
  ["KeepDisable"],
  ["RouterAdd", "switch"],
  ["RouterIfAdd", "switch", "/HUB:Office", "/IP:10.0.0.1/255.255.255.0"],
  ["RouterTableAdd", "switch", "/NETWORK:10.1.0.0/255.255.0.0", "/GATEWAY:10.0.0.2", "/METRIC:1"],
];
const inHub: readonly Command[] = [
  ["GroupCreate", "staff", "/REALNAME:Our staff", "/NOTE:a note"],
  ["GroupPolicySet", "staff", "/NAME:MaxConnection", "/VALUE:8"],
  ["UserCreate", "alice", "/GROUP:staff", "/REALNAME:Älice", "/NOTE:first $ # \\"],
  ["UserPasswordSet", "alice", "/PASSWORD:secret of alice"],
  ["UserExpiresSet", "alice", "/EXPIRES:2035/12/31 12:34:56"],
  ["UserCreate", "bob", "/GROUP:none", "/REALNAME:none", "/NOTE:none"],
  ["UserCertSet", "bob", "/LOADCERT:FILE"],
  ["UserPolicySet", "bob", "/NAME:MultiLogins", "/VALUE:3"],
  ["UserCreate", "carol", "/GROUP:staff", "/REALNAME:none", "/NOTE:none"],
  ["UserSignedSet", "carol", "/CN:carol", "/SERIAL:0102"],
  ["UserCreate", "dave", "/GROUP:none", "/REALNAME:none", "/NOTE:none"],
  ["UserRadiusSet", "dave", "/ALIAS:david"],
  ["UserCreate", "erin", "/GROUP:none", "/REALNAME:none", "/NOTE:none"],
  ["UserNTLMSet", "erin", "/ALIAS:erinys"],
  ["UserCreate", "guest", "/GROUP:none", "/REALNAME:none", "/NOTE:none"],
  ["UserAnonymousSet", "guest"],
  ["CAAdd", "FILE"],
  ["CRLAdd", "/SERIAL:01", "/MD5:", "/SHA1:", "/CN:revoked", "/O:", "/OU:", "/C:", "/ST:", "/L:"],
  ["ACAdd", "deny", "/PRIORITY:10", "/IP:192.0.2.0/24"],
  ["ACAdd6", "allow", "/PRIORITY:20", "/IP:2001:db8::/32"],
  ["AccessAdd", "discard", "/MEMO:web", "/PRIORITY:20", ...rule],
  ["AccessAddEx6", "pass", "/MEMO:slow", "/PRIORITY:40", ...rule6],
  ["LogDisable", "packet"],
  ["LogSwitchSet", "security", "/SWITCH:hour"],
  ["LogPacketSaveType", "/TYPE:tcpdata", "/SAVE:full"],
  ["SetMaxSession", "20"],
  ["SetEnumDeny"],
  ["AdminOptionSet", "max_users", "/VALUE:100"],
  ["ExtOptionSet", "FilterPPPoE", "/VALUE:1"],
  ["ExtOptionSet", "AdjustTcpMssValue", "/VALUE:1300"],
  ["SecureNatHostSet", "/MAC:5E-00-00-00-00-01", "/IP:192.168.30.7", "/MASK:255.255.255.0"],
  ["SecureNatEnable"],
  ["CascadeCreate", "link", "/SERVER:203.0.113.1:443", "/HUB:DEFAULT", "/USERNAME:alice"],
];

/** What is told of all that. */
const questions: readonly { readonly hub?: string; readonly command: Command }[] = [
  ...["HubList", "ListenerList", "KeepGet"].map((name) => ({ command: [name] as const })),
  ...[
    ...["GroupList", "GroupGet staff", "UserList", "CAList", "CRLList", "ACList", "AccessList", "LogGet"],
    ...["OptionsGet", "AdminOptionList", "ExtOptionList"],
    ...["alice", "bob", "carol", "dave", "erin", "guest"].map((name) => `UserGet ${name}`),
  ].map((line) => ({ hub: "Office", command: line.split(" ") as unknown as Command })),
];

let lab: Lab;
let official: SoftEtherProgram;
let ours: OurServer;
let client: VpnClient;
let moved: Buffer;

before(async () => {
  lab = await Lab.create();
  const [theirStation, ourStation, clientStation] = await Promise.all([
    lab.station("official"),
    lab.station("ours"),
    lab.station("client"),
  ]);
  official = await SoftEtherProgram.start("vpnserver", theirStation, 5555);
  const certificate = join(lab.directory, "given.crt");
  await writeFile(certificate, (await testCertificate()).certificatePem);
  // A path that begins with a slash is taken for an option.
  const withFile = (word: string) => word.replace("FILE", certificate.slice(1));
  const administer = (hub: readonly string[], command: Command) =>
    official.vpncmd(["/SERVER", ...hub], command.map(withFile));
  for (const command of onServer) await administer([], command);
  for (const command of inHub) await administer(["/ADMINHUB:Office"], command);
  await administer([], ["ServerPasswordSet", password]);
  moved = await configurationOf(official);
  [ours, client] = await Promise.all([
    OurServer.startWith(ourStation, lab.directory, moved),
    VpnClient.start(clientStation),
  ]);
});
after(() => lab?.dispose());

async function configurationOf(server: SoftEtherProgram): Promise<Buffer> {
  const file = join(lab.directory, "got.config");
  await server.vpncmd(["/SERVER", `/PASSWORD:${password}`], ["ConfigGet", file.slice(1)]);
  return readFile(file);
}

/** The answer to a question, without the address of who asks. */
async function ask(
  server: "official" | "ours",
  hub: string | undefined,
  command: Command,
): Promise<string[]> {
  const args = ["localhost:5555", "/SERVER", `/PASSWORD:${password}`];
  if (hub !== undefined) args.push(`/ADMINHUB:${hub}`);
  const options = { timeoutMs: 30_000, check: false } as const;
  const where = server === "official" ? official : ours.station;
  const { code, stdout } = await where.run("vpncmd", [...args, "/CSV", "/CMD", ...command], options);
  assert.equal(code, 0, `${command.join(" ")} on ${server}: ${stdout}`);
  return normalize(stdout).map((line) =>
    line
      .replace(/^Used (Count|Sessions|Users|Groups|MAC|IP).*/, "")
      .replace(/^(Office|Spare|DEFAULT),.*$/, hubLine),
  );
}

/** SecureNAT is a session there, and there is none here yet. */
function hubLine(line: string): string {
  const [name, state, type, users, groups] = line.split(",");
  return [name, state, type, users, groups].join(",");
}

describe("a configuration of the official server", () => {
  for (const { hub, command } of questions) {
    test(`gives the same answer here to ${command.join(" ")}`, async () => {
      assert.deepEqual(await ask("ours", hub, command), await ask("official", hub, command));
    });
  }

  test("lets its users in, and knows the hub's administrator", async () => {
    await client.connect({ server: ours.address, hub: "Office", user: "alice", password: "secret of alice" });
    await client.disconnect();
    await client.connect({ server: ours.address, hub: "Office", user: "guest" });
    await client.disconnect();
    assert.equal(
      await client.failure({ server: ours.address, hub: "Office", user: "alice", password: "wrong" }),
      9,
    );
    const hubMode = ["localhost:5555", "/SERVER", "/HUB:Office", "/PASSWORD:of the hub", "/CMD", "StatusGet"];
    await ours.station.run("vpncmd", hubMode, { timeoutMs: 30_000 });
  });

  test("is taken back by the official server, with what was changed here and what is not known here", async () => {
    for (const command of [
      ["UserCreate", "frank", "/GROUP:staff", "/REALNAME:Frank", "/NOTE:none"],
      ["UserPasswordSet", "frank", "/PASSWORD:secret of frank"],
      ["UserDelete", "erin"],
      ["AccessAdd", "pass", "/MEMO:first", "/PRIORITY:10", ...rule],
    ] as const) {
      await ask("ours", "Office", command);
    }
    await ask("ours", undefined, ["Flush"]);
    const file = join(ours.stateDirectory, "vpn_server.config");
    const ourFile = await readFile(file);
    for (const [hub, name] of [
      ["Office", "SecureNAT"],
      ["Office", "CascadeList"],
      [undefined, "VirtualLayer3SwitchList"],
      [undefined, "LocalBridgeList"],
    ] as const) {
      assert.deepEqual(folderOf(ourFile, hub, name), folderOf(moved, hub, name), name);
    }
    await official.vpncmd(["/SERVER", `/PASSWORD:${password}`], ["ConfigSet", file.slice(1)]);
    await untilOfficialHas("frank");
    const asked = questions.filter(({ command }) => command[1] !== "erin");
    for (const { hub, command } of [...asked, { hub: "Office", command: ["UserGet", "frank"] as const }]) {
      const there = await ask("official", hub, command);
      assert.deepEqual(await ask("ours", hub, command), there, command.join(" "));
    }
  });
});

function folderOf(config: Uint8Array, hub: string | undefined, name: string): ConfigFolder {
  const { root } = parseConfig(config);
  const hubs = findFolder(root, "VirtualHUB");
  const parent = hub === undefined ? root : hubs && findFolder(hubs, hub);
  const folder = parent && findFolder(parent, name);
  assert.ok(folder, `${name} is not there`);
  return folder;
}

/** It starts anew with a configuration that it is given. */
async function untilOfficialHas(user: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  const how = ["/SERVER", `/PASSWORD:${password}`, "/ADMINHUB:Office"];
  while (!(await official.vpncmd(how, ["UserList"], false)).stdout.includes(user)) {
    assert.ok(performance.now() < deadline, "the official server has not taken the configuration");
    await delay(200);
  }
}
