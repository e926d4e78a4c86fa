import assert from "node:assert/strict";
import { test } from "node:test";
import { windowsFirewallOf } from "../../../server/firewall/windows-firewall.ts";
import { ruleName } from "../../../server/firewall/windows-plan.ts";
import type { RunProgram } from "../../../server/platform/run-program.ts";

const program = "C:\\Program Files\\VPN Server\\vpnserver.exe";

/** What netsh shows of a rule, in German, since nothing may depend on the words. */
const shown = (ports: string, path = program) =>
  [
    "",
    `Regelname:                            ${ruleName}`,
    "----------------------------------------------------------------------",
    "Beschreibung:                         Made by vpnserver",
    "Aktiviert:                            Ja",
    "Richtung:                             Eingehend",
    "Lokale IP:                            Beliebig",
    "Protokoll:                            TCP",
    `Lokaler Port:                         ${ports}`,
    "Remoteport:                           Beliebig",
    `Programm:                             ${path}`,
    "Aktion:                               Zulassen",
    "OK.",
    "",
  ].join("\r\n");

/** A netsh with one rule at most; it keeps its command lines. */
class NetshModel {
  readonly lines: string[] = [];
  rule: { ports: string; program: string } | undefined;

  readonly run: RunProgram = async (path, args) => {
    assert.match(path, /System32.netsh\.exe$/);
    const [, , action] = args;
    const values = Object.fromEntries(
      args.flatMap((arg) => [/^(\w+)=(.*)$/.exec(arg)?.slice(1) ?? []]).filter((pair) => pair.length === 2),
    ) as Record<string, string>;
    assert.equal(values["name"], ruleName);
    if (action !== "show") this.lines.push(args.slice(2).join(" "));
    if (action === "add") this.rule = { ports: values["localport"] ?? "", program: values["program"] ?? "" };
    const answer = { code: this.rule === undefined ? 1 : 0, stdout: "", stderr: "" };
    if (action === "show" && this.rule) answer.stdout = shown(this.rule.ports, this.rule.program);
    if (action === "delete") this.rule = undefined;
    return answer;
  };
}

async function open(netsh: NetshModel, ports: number[], path = program) {
  const firewall = await windowsFirewallOf(path, "win32").find(netsh.run);
  return firewall?.open(ports);
}

test("one inbound rule opens the ports of the program, for every profile", async () => {
  const netsh = new NetshModel();
  const opening = await open(netsh, [443, 992, 5555]);
  assert.deepEqual(netsh.lines, [
    `add rule name=${ruleName} dir=in action=allow enable=yes profile=any protocol=TCP localport=443,992,5555 program=${program} description=Made by vpnserver, which takes it away when it is uninstalled`,
  ]);
  assert.deepEqual(opening, {
    report: {
      manager: "windows",
      ports: [443, 992, 5555],
      message: "the Windows firewall lets TCP 443, 992 and 5555 of this program in",
    },
    changed: true,
    keptByStart: false,
  });
});

test("nothing is changed where the rule is there, and no second one is made", async () => {
  const netsh = new NetshModel();
  await open(netsh, [443, 992]);
  assert.equal((await open(netsh, [992, 443]))?.changed, false);
  assert.equal(netsh.lines.length, 1);
  await open(netsh, [5555]);
  assert.deepEqual(netsh.rule, { ports: "443,992,5555", program });
  await open(netsh, [443], "D:\\vpnserver.exe");
  assert.deepEqual(netsh.rule, { ports: "443", program: "D:\\vpnserver.exe" }, "the executable has moved");
  assert.deepEqual(
    netsh.lines.map((line) => line.split(" ")[0]),
    ["add", "delete", "add", "delete", "add"],
  );
});

test("closing takes away the rule, or ports of it, and says whether there was anything", async () => {
  const netsh = new NetshModel();
  const firewall = windowsFirewallOf(program, "win32");
  assert.equal(await firewall.close(undefined, netsh.run), false);
  await open(netsh, [443, 992]);
  assert.equal(await firewall.close([5555], netsh.run), false);
  assert.equal(await firewall.close([992], netsh.run), true);
  assert.equal(netsh.rule?.ports, "443");
  assert.equal(await firewall.close(undefined, netsh.run), true);
  assert.equal(netsh.rule, undefined);
});

test("what it shows is told port by port", async () => {
  const netsh = new NetshModel();
  await open(netsh, [443]);
  const firewall = await windowsFirewallOf(program, "win32").find(netsh.run);
  assert.deepEqual(await firewall?.show([443, 992]), {
    manager: "windows",
    ports: [443],
    message:
      "the Windows firewall lets TCP 443 of this program in; no rule of ours in the Windows firewall is for TCP 992",
  });
});

test("a netsh that refuses is an error with its words, and one that is not there decides nothing", async () => {
  const refusing: RunProgram = async (_, args) => ({
    code: 1,
    stdout: args.includes("show") ? "" : "The requested operation requires elevation (Run as administrator).",
    stderr: "",
  });
  const firewall = await windowsFirewallOf(program, "win32").find(refusing);
  await assert.rejects(
    async () => firewall?.open([443]),
    /"netsh advfirewall firewall add rule" failed: .*elevation/,
  );
  assert.equal(await windowsFirewallOf(program, "win32").find(async () => undefined), undefined);
  const none: RunProgram = () => assert.fail("ran a program");
  assert.equal(await windowsFirewallOf(program, "linux").find(none), undefined);
  assert.equal(await windowsFirewallOf(program, "linux").close(undefined, none), false);
});

test("a rule is for the program that is named, whichever program asks", async () => {
  const netsh = new NetshModel();
  const firewalls = windowsFirewallOf("C:\\Downloads\\vpnserver.exe", "win32");
  await (await firewalls.find(netsh.run, program))?.open([443, 992]);
  assert.deepEqual(netsh.rule, { ports: "443,992", program });
  assert.equal(await firewalls.close([992], netsh.run, program), true);
  assert.deepEqual(netsh.rule, { ports: "443", program });
});
