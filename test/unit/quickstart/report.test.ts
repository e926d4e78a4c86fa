import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FleetMember } from "../../../components/index.ts";
import { describeServer } from "../../../tools/quickstart/report.ts";

const paths = {
  executable: "/q/vpnserver",
  logFile: "/q/server.log",
  vpnFile: "/q/quickstart.vpn",
  passwordFile: "/q/admin-password",
  ssh: { port: 2222, user: "alice", privateKeyFile: "/q/key" },
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

describe("describeServer", () => {
  test("says where a healthy server listens, each listener's health, how to look at it and how to stop it", () => {
    const text = describeServer(healthy, paths);
    assert.match(text, /runs on this machine, in user mode, version 0\.1\.0/);
    assert.match(text, /Endpoints +127\.0\.0\.1:5555/);
    assert.match(text, /port 443 +Error +EACCES: ports below 1024 need root/);
    assert.match(text, /port 5555 +Listening +answers the VPN handshake \(TLSv1\.3\)/);
    assert.match(text, /\/q\/vpnserver status/);
    assert.match(text, /ssh -i \/q\/key -p 2222 alice@127\.0\.0\.1/);
    assert.match(text, /npm run quickstart -- down/);
  });

  test("says how a VPN client connects: vpncmd takes no path that begins with a slash", () => {
    const text = describeServer(healthy, paths);
    assert.match(text, /Connect as user "u" to the Virtual Hub DEFAULT/);
    assert.match(text, /cd \/q && vpncmd localhost \/CLIENT \/CMD AccountImport quickstart\.vpn/);
    assert.match(text, /AccountConnect u@127\.0\.0\.1\/DEFAULT/);
  });

  test("says what is wrong with a server that is not healthy", () => {
    const text = describeServer({ passedLastCheck: false, problem: "no listener is open" }, paths);
    assert.match(text, /not healthy: no listener is open/);
    assert.doesNotMatch(text, /undefined/);
  });
});
