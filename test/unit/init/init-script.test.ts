import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import {
  hasState,
  isScriptOf,
  openrcScript,
  sysvScript,
  type ScriptOptions,
} from "../../../server/init/init-script.ts";

const usual: ScriptOptions = {
  executable: "/opt/vpnserver/current/vpnserver",
  stateDirectory: "/var/lib/vpnserver",
  opensFirewall: false,
};

const kinds = [
  ["sysv", sysvScript],
  ["openrc", openrcScript],
] as const;

for (const [kind, scriptOf] of kinds) {
  describe(`${kind}'s script`, () => {
    test("is exactly this text", () => {
      const fixture = new URL(`fixtures/vpnserver.${kind}`, import.meta.url);
      assert.equal(scriptOf(usual), readFileSync(fixture, "utf8"));
    });

    test("is a script for any shell, whatever the paths are", () => {
      const odd = { executable: `/srv/it's "vpn" $HOME/vpnserver`, stateDirectory: "/srv/a b;c" };
      for (const options of [usual, { ...usual, opensFirewall: true }, { ...usual, ...odd }]) {
        const { status, stderr } = spawnSync("sh", ["-n"], { input: scriptOf(options), encoding: "utf8" });
        assert.deepEqual([status, stderr], [0, ""]);
      }
    });

    test("tells its own installation's from others, and whose state it serves", () => {
      const text = scriptOf(usual);
      assert.ok(isScriptOf(text, usual.executable));
      assert.ok(isScriptOf(scriptOf({ ...usual, opensFirewall: true }), usual.executable));
      assert.ok(!isScriptOf(text, "/opt/vpnserver/current/vpn"));
      assert.ok(!isScriptOf(text.replace("Made by", "Not by"), usual.executable));
      assert.ok(hasState(text, usual.stateDirectory));
      assert.ok(!hasState(text, "/var/lib/vpn"));
      assert.ok(!hasState(text.replace("Made by", "Not by"), usual.stateDirectory));
      assert.ok(hasState(scriptOf({ ...usual, stateDirectory: "/srv/it's" }), "/srv/it's"));
    });
  });
}

describe("what a script does", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "vpnserver's script-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Stands in for the executable: writes down how it was called, and ends as it is told by `VERB=code`. */
  function run(scriptOf: typeof sysvScript, verb: string, codes: string, opensFirewall = false) {
    const executable = join(folder, "vpnserver");
    const program = `#!/bin/sh\necho "$1 $VPNSERVER_STATE_DIR $(umask) $PWD" >>'${join(folder, "calls").replaceAll("'", `'\\''`)}'\nfor end in ${codes}; do [ "\${end%=*}" = "$1" ] && exit "\${end#*=}"; done\nexit 0\n`;
    writeFileSync(executable, program);
    chmodSync(executable, 0o755);
    const text = scriptOf({ executable, stateDirectory: join(folder, "state"), opensFirewall });
    // What openrc-run offers, with the words that it would print.
    const openrc = `ebegin() { :; }; eend() { return "$1"; }; einfo() { echo "$@"; }; eerror() { echo "$@"; }; service_started() { [ -e started ]; }; cd /\n`;
    const input = scriptOf === sysvScript ? text : `${openrc}${text}\n"$1"\n`;
    const { status, stdout, stderr } = spawnSync("sh", ["-s", "--", verb], { input, encoding: "utf8" });
    let calls = "";
    try {
      calls = readFileSync(join(folder, "calls"), "utf8");
    } catch {
      // It was not called.
    }
    return { status, output: stdout + stderr, calls: calls.split("\n").filter(Boolean) };
  }

  for (const [kind, scriptOf] of kinds) {
    test(`${kind}: starts the server with its state, and nobody else may read what it makes`, () => {
      const { status, calls } = run(scriptOf, "start", "start=0");
      assert.equal(status, 0);
      assert.deepEqual(calls, [`start ${join(folder, "state")} 0077 /`]);
    });

    test(`${kind}: opens the firewall first where that is needed, and starts the server whatever comes of it`, () => {
      const { status, calls } = run(scriptOf, "start", "firewall=1", true);
      assert.equal(status, 0);
      assert.deepEqual(
        calls.map((call) => call.split(" ")[0]),
        ["firewall", "start"],
      );
    });

    test(`${kind}: a start of what runs, and a stop of what does not, are no failures; others are`, () => {
      assert.equal(run(scriptOf, "start", "start=3").status, 0);
      assert.equal(run(scriptOf, "stop", "stop=4").status, 0);
      assert.equal(run(scriptOf, "start", "start=6").status, 6);
      assert.equal(run(scriptOf, "stop", "stop=1").status, 1);
    });

    test(`${kind}: tells whether the server runs`, () => {
      assert.equal(run(scriptOf, "status", "status=0").status, 0);
      assert.equal(run(scriptOf, "status", "status=4").status, 3);
    });
  }

  test("sysv: restarts in any state, tries to only what runs, and knows what it does not know", () => {
    const verbs = ({ calls }: { calls: readonly string[] }) => calls.map((call) => call.split(" ")[0]);
    assert.deepEqual(verbs(run(sysvScript, "restart", "stop=4")), ["stop", "start"]);
    rmSync(join(folder, "calls"));
    assert.deepEqual(verbs(run(sysvScript, "try-restart", "status=4")), ["status"]);
    rmSync(join(folder, "calls"));
    assert.deepEqual(verbs(run(sysvScript, "try-restart", "status=0")), ["status", "stop", "start"]);
    rmSync(join(folder, "calls"));
    assert.deepEqual([run(sysvScript, "reload", "").status, run(sysvScript, "reload", "").calls], [3, []]);
    const unknown = run(sysvScript, "frobnicate", "");
    assert.deepEqual([unknown.status, unknown.calls], [2, []]);
    assert.match(unknown.output, /usage: .*start\|stop\|restart/);
  });
});
