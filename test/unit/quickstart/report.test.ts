import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FleetMember } from "../../../components/index.ts";
import { describeServer, type ReportOptions } from "../../../tools/quickstart/report.ts";
import { defaultDirectory, Workspace } from "../../../tools/quickstart/workspace.ts";

const options: ReportOptions = {
  workspace: new Workspace("/q"),
  listenAddress: "127.0.0.1",
  npmRun: "npm run",
  hasPulumi: false,
};

const healthy: FleetMember = {
  passedLastCheck: true,
  mode: "user",
  modeReason: "it was asked for",
  endpoints: ["127.0.0.1:5555"],
  tlsFingerprint: "AB:CD",
  connections: [{ hub: "DEFAULT", user: "u", host: "127.0.0.1", port: 5555, account: "u@127.0.0.1/DEFAULT" }],
  lastCheck: {
    passed: true,
    version: "0.1.0",
    release: "00",
    processes: 2,
    checkedThrough: "ssh tunnel",
    listeners: [
      { port: 443, state: "Error", reason: "EACCES: ports below 1024 need root", answers: false },
      { port: 5555, state: "Listening", answers: true, tlsVersion: "TLSv1.3" },
    ],
  },
};

// What the commands do is tested where they can be run: test/e2e/quickstart-hints.test.ts.
describe("describeServer", () => {
  test("says where a healthy server listens, from where it is reachable, and the health of each listener", () => {
    const text = describeServer(healthy, options);
    assert.match(text, /runs on this machine, in user mode, version 0\.1\.0/);
    assert.match(text, /Endpoints +127\.0\.0\.1:5555/);
    assert.match(text, /Reachable from +this machine alone/);
    assert.match(text, /Port 443 +Error +EACCES: ports below 1024 need root/);
    assert.match(text, /Port 5555 +Listening +answers the VPN handshake \(TLSv1\.3\)/);
    const open = describeServer(healthy, { ...options, listenAddress: undefined });
    assert.match(open, /Reachable from +every address of this machine/);
  });

  test("says which addresses clients get and what they reach", () => {
    assert.match(describeServer(healthy, options), /reach each other, and nothing else\.$/m);
    const [hub, address, dhcpRange] = ["DEFAULT", "192.168.30.1/24", "192.168.30.10-192.168.30.200"];
    const networks = [{ hub, address, dhcpRange, nat: true, nameServers: [] }];
    const text = describeServer({ ...healthy, networks }, options);
    assert.match(
      text,
      /get an address \(192\.168\.30\.10-192\.168\.30\.200\)[^]+by SecureNAT at 192\.168\.30\.1\/24/,
    );
  });

  test("takes away what stands in the same folder: another folder is named in the commands", () => {
    assert.match(
      describeServer(healthy, options),
      /remove all +npm run quickstart -- down --directory \/q$/m,
    );
    const usual = describeServer(healthy, { ...options, workspace: new Workspace(defaultDirectory) });
    assert.match(usual, /again +npm run quickstart$/m);
    assert.match(usual, /remove all +npm run quickstart -- down$/m);
  });

  test("gives commands that work in the folder where the person is", () => {
    const text = describeServer(healthy, { ...options, npmRun: "npm --prefix '/a b' run" });
    assert.match(text, /again +npm --prefix '\/a b' run quickstart -- --directory \/q$/m);
    assert.match(text, /pulumi +eval "\$\(npm --prefix '\/a b' run --silent setup -- --env\)"$/m);
  });

  test("says how to get at pulumi, unless it is a command already", () => {
    const line = 'eval "$(npm run --silent setup -- --env)"';
    assert.ok(describeServer(healthy, options).includes(line));
    assert.ok(!describeServer(healthy, { ...options, hasPulumi: true }).includes(line));
  });

  test("says what is wrong with a server that is not healthy", () => {
    const text = describeServer({ passedLastCheck: false, problem: "no listener is open" }, options);
    assert.match(text, /not healthy: no listener is open/);
    assert.match(text, /Endpoints +none/);
    assert.doesNotMatch(text, /undefined/);
  });
});
