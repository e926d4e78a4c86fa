import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { hasState, isUnitOf, systemdUnit, type UnitOptions } from "../../../server/init/systemd-unit.ts";

const usual: UnitOptions = {
  executable: "/opt/vpnserver/current/vpnserver",
  stateDirectory: "/var/lib/vpnserver",
  pidFile: "/var/lib/vpnserver/run/vpnserver.pid",
  opensFirewall: false,
};

function linesOf(options: Partial<UnitOptions>): string[] {
  return systemdUnit({ ...usual, ...options }).split("\n");
}

describe("systemdUnit", () => {
  test("is exactly this text", () => {
    assert.equal(
      systemdUnit(usual),
      readFileSync(new URL("fixtures/vpnserver.service", import.meta.url), "utf8"),
    );
  });

  test("opens the firewall at each start only where its rules do not last", () => {
    assert.ok(
      linesOf({ opensFirewall: true }).includes(
        "ExecStartPre=-+/opt/vpnserver/current/vpnserver firewall open",
      ),
    );
    assert.ok(!linesOf({}).some((line) => line.startsWith("ExecStartPre")));
  });

  test("tells whose state it serves", () => {
    assert.ok(hasState(systemdUnit(usual), "/var/lib/vpnserver"));
    assert.ok(!hasState(systemdUnit(usual), "/var/lib/vpn"));
    assert.ok(!hasState(systemdUnit(usual).replace("Made by", "Not by"), "/var/lib/vpnserver"));
    assert.ok(hasState(systemdUnit({ ...usual, stateDirectory: "/srv/a b" }), "/srv/a b"));
  });

  test("writes paths so that systemd reads them as they are", () => {
    const lines = linesOf({
      executable: '/srv/100% "vpn" $HOME/vpnserver',
      stateDirectory: "/srv/a b",
      pidFile: "/srv/a b/run/vpnserver.pid",
    });
    assert.ok(lines.includes('ExecStart="/srv/100%% \\"vpn\\" $$HOME/vpnserver" start'));
    assert.ok(lines.includes('Environment="VPNSERVER_STATE_DIR=/srv/a b"'));
    assert.ok(lines.includes('ReadWritePaths="/srv/a b"'));
    assert.ok(lines.includes("PIDFile=/srv/a b/run/vpnserver.pid"));
  });

  /** Of Debian 12's softether-vpnserver 5.01.9674+git20200806+8181039+dfsg2-2. */
  test("gives away no protection that Debian's unit of SoftEther has", () => {
    const lines = linesOf({});
    for (const line of ["PrivateTmp=yes", "ProtectHome=yes", "ProtectSystem=strict", "Restart=on-failure"]) {
      assert.ok(lines.includes(line), line);
    }
    const debian =
      "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SYS_NICE CAP_SYSLOG CAP_SETUID".split(
        " ",
      );
    const prefix = "CapabilityBoundingSet=";
    const own = lines
      .find((line) => line.startsWith(prefix))
      ?.slice(prefix.length)
      .split(" ") ?? ["all"];
    for (const capability of own) assert.ok(debian.includes(capability), capability);
  });

  test("gives a server that bridges a hub to the host's network what that needs, and no other device", () => {
    const lines = linesOf({});
    assert.deepEqual(
      lines.filter((line) => /^(DeviceAllow|BindPaths|PrivateDevices)=/.test(line)),
      ["PrivateDevices=yes", "BindPaths=-/dev/net/tun", "DeviceAllow=/dev/net/tun rw"],
    );
    assert.ok(
      lines.some((line) => line.startsWith("RestrictAddressFamilies=") && line.endsWith(" AF_PACKET")),
    );
  });

  test("does not keep the JavaScript engine from compiling", () => {
    assert.ok(!linesOf({}).some((line) => line.startsWith("MemoryDenyWriteExecute")));
  });
});

describe("isUnitOf", () => {
  test("knows the units of an installation, and no others", () => {
    assert.ok(isUnitOf(systemdUnit(usual), usual.executable));
    assert.ok(isUnitOf(systemdUnit({ ...usual, opensFirewall: true }), usual.executable));
    assert.ok(!isUnitOf(systemdUnit(usual), "/srv/vpnserver/current/vpnserver"));
    assert.ok(!isUnitOf("[Service]\nExecStart=/opt/vpnserver/current/vpnserver start\n", usual.executable));
  });
});
