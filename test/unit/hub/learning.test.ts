import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hubLimits } from "../../../server/limits.ts";
import { TestHub } from "./hub-fixture.ts";
import {
  arp,
  bpdu,
  broadcastMac,
  dhcp,
  ethernet,
  icmpv6,
  ipv6,
  mac,
  tagged,
  tcp4,
  udp,
  udp4,
} from "./frames.ts";

const stationsOf = (test: TestHub) =>
  [...test.hub.macTable()].map(({ mac, port }) => `${mac} ${port}`).sort();
const ipsOf = (test: TestHub) =>
  [...test.hub.ipTable()].map(({ ip, port, dhcp }) => `${ip} ${port}${dhcp ? " DHCP" : ""}`).sort();

describe("table of MAC addresses", () => {
  it("keeps stations of VLANs apart, unless the hub does not manage VLANs", () => {
    for (const NoManageVlanId of [false, true]) {
      const test = new TestHub({ option: { NoManageVlanId } });
      const [a, b] = [test.plug("a"), test.plug("b")];
      a.send(tagged(ethernet(broadcastMac, mac(1)), 5));
      b.send(ethernet(mac(1), mac(2)));
      a.send(ethernet(broadcastMac, mac(1)));
      const vlans = [...test.hub.macTable()].map(({ vlan }) => vlan).sort();
      assert.deepEqual(vlans, NoManageVlanId ? [0, 0] : [0, 0, 5]);
    }
  });

  it("takes no more stations than MaxMac says, and never less than three", () => {
    for (const [policy, limit, reason] of [
      [{ MaxMac: 5 }, 5, "macLimit"],
      [{ MaxMac: 1 }, 3, "macLimit"],
      [{ NoBridge: true }, 3, "bridgeLimit"],
      [{ NoBridge: true, MaxMac: 9 }, 3, "bridgeLimit"],
    ] as const) {
      const test = new TestHub();
      const [a, b] = [test.plug("a", { policy }), test.plug("b")];
      for (let station = 1; station <= limit + 2; station++) a.send(ethernet(broadcastMac, mac(station)));
      assert.equal(b.port.take().length, limit);
      assert.equal(a.attachment.counters.drops[reason], 2);
      assert.equal(test.security.length, 1, "one line for all in a second");
      a.send(ethernet(broadcastMac, mac(1)));
      assert.equal(b.port.take().length, 1, "a known station goes on");
      test.advance(hubLimits.macAgeMs);
      a.send(ethernet(broadcastMac, mac(100)));
      assert.equal(b.port.take().length, 1, "there is room when the others have aged");
    }
  });

  it("holds so many stations, and lets one more in for the oldest of the port that has most", () => {
    const test = new TestHub();
    const [a, b, c] = [test.plug("a"), test.plug("b"), test.plug("c")];
    c.send(ethernet(broadcastMac, mac(0x30_0000)));
    for (let station = 1; station <= hubLimits.macEntries; station++)
      a.send(ethernet(mac(0x10_0000), mac(station)));
    b.send(ethernet(broadcastMac, mac(0x20_0000)));
    a.port.take();
    c.port.take();
    c.send(ethernet(mac(0x20_0000), mac(0x30_0000)));
    assert.equal(b.port.take().length > 0, true);
    assert.equal(
      a.port.take().length,
      0,
      "the newcomer is known: nothing is flooded to the one that fills the table",
    );
    assert.equal([...test.hub.macTable()].length, hubLimits.macEntries);
    assert.equal(test.hub.macCount, hubLimits.macEntries);
  });

  it("takes out many that have aged by and by, and lists none of them", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    for (let station = 1; station <= 3 * hubLimits.sweptAtOnce; station++)
      a.send(ethernet(mac(0x10_0000), mac(station)));
    test.advance(hubLimits.macAgeMs);
    b.send(ethernet(broadcastMac, mac(0x20_0000)));
    assert.equal(test.hub.macCount, 2 * hubLimits.sweptAtOnce + 1);
    test.advance(hubLimits.sweepPauseMs);
    b.send(ethernet(broadcastMac, mac(0x20_0000)));
    assert.equal(test.hub.macCount, hubLimits.sweptAtOnce + 1);
    assert.equal([...test.hub.macTable()].length, 1);
  });

  it("leaves a station where it is for 13 seconds, where CheckMac or a bridge asks for it", () => {
    for (const options of [{ policy: { CheckMac: true } }, { kind: "local-bridge" }] as const) {
      const test = new TestHub();
      const [a, b, c] = [test.plug("a"), test.plug("b", options), test.plug("c")];
      a.send(ethernet(broadcastMac, mac(1)));
      c.port.take();
      test.advance(13_000);
      b.send(ethernet(broadcastMac, mac(1)));
      assert.equal(c.port.take().length, 0);
      assert.equal(b.attachment.counters.drops.macConflict, 1);
      test.advance(1);
      b.send(ethernet(broadcastMac, mac(1)));
      assert.equal(c.port.take().length, 1);
      assert.deepEqual(stationsOf(test), ["5E-00-00-00-00-01 SID-B-1"]);
    }
  });

  it("learns the bridge that a spanning tree message names", () => {
    const test = new TestHub();
    test.plug("a").send(bpdu(1, 77));
    assert.deepEqual(stationsOf(test), ["5E-00-00-00-00-4D SID-A-1"]);
  });

  it("learns nothing from sources that are no station", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(ethernet(mac(9), Buffer.alloc(6)), ethernet(mac(9), broadcastMac), ethernet(mac(9), mac(9)));
    assert.equal(b.port.take().length, 0);
    assert.equal(a.attachment.counters.drops.invalidSource, 3);
    assert.deepEqual(stationsOf(test), []);
  });

  it("tells of new stations in the security log where the hub is set so", () => {
    const test = new TestHub({ option: { NoMacAddressLog: false } });
    const a = test.plug("a");
    a.send(
      ethernet(broadcastMac, mac(1)),
      ethernet(broadcastMac, mac(1)),
      tagged(ethernet(broadcastMac, mac(1)), 4),
    );
    assert.deepEqual(test.security, [
      'Session "SID-A-1": the MAC address 5E-00-00-00-00-01 is there now.',
      'Session "SID-A-1": the MAC address 5E-00-00-00-00-01 in VLAN 4 is there now.',
    ]);
  });
});

describe("table of IP addresses", () => {
  it("has the private addresses that senders use, of ARP and IP", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(arp({ from: 1 }), tcp4({ from: 2 }), tcp4({ from: 3, sourceIp: "8.8.8.8" }));
    b.send(
      icmpv6({ from: 4 }, 135),
      ipv6({ from: 4, sourceIp: "20010db8".padEnd(32, "1"), protocol: 17 }, udp({})),
      ipv6({ from: 4, sourceIp: "0".repeat(32), protocol: 17 }, udp({})),
      udp4({ from: 5, sourceIp: "0.0.0.0" }),
    );
    assert.deepEqual(ipsOf(test), ["10.0.0.1 SID-A-1", "10.0.0.2 SID-A-1", "fe80::4 SID-B-1"]);
  });

  it("has all addresses where the hub manages all", () => {
    const test = new TestHub({ option: { ManageOnlyPrivateIP: false, ManageOnlyLocalUnicastIPv6: false } });
    const a = test.plug("a");
    a.send(tcp4({ from: 3, sourceIp: "8.8.8.8" }));
    a.send(ipv6({ from: 4, sourceIp: "20010db8".padEnd(32, "0"), protocol: 17 }, udp({})));
    assert.deepEqual(ipsOf(test), ["2001:db8:: SID-A-1", "8.8.8.8 SID-A-1"]);
  });

  it("stays empty with NoIpTable, and then stops nothing", () => {
    const test = new TestHub({ option: { NoIpTable: true } });
    const [a, b] = [test.plug("a", { policy: { DHCPForce: true, NoRouting: true } }), test.plug("b")];
    a.send(arp({ from: 1 }));
    assert.equal(b.port.take().length, 1);
    assert.deepEqual(ipsOf(test), []);
  });

  it("forgets addresses after a minute, those of DHCP after five", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(arp({ from: 1 }));
    b.send(dhcp({ from: 9, type: 5, client: 1, yourIp: "10.0.0.50" }));
    assert.deepEqual(ipsOf(test), ["10.0.0.1 SID-A-1", "10.0.0.50 SID-A-1 DHCP"]);
    test.advance(hubLimits.ipAgeMs);
    assert.deepEqual(ipsOf(test), ["10.0.0.50 SID-A-1 DHCP"]);
    test.advance(hubLimits.dhcpIpAgeMs - hubLimits.ipAgeMs);
    assert.deepEqual(ipsOf(test), []);
  });

  it("tells in the security log which address DHCP assigned to which session", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(arp({ from: 1 }));
    b.send(dhcp({ from: 9, type: 5, client: 1, yourIp: "10.0.0.50" }));
    b.send(
      dhcp({ from: 9, type: 2, client: 1, yourIp: "10.0.0.51" }),
      dhcp({ from: 9, type: 5, client: 33, yourIp: "10.0.0.52" }),
    );
    assert.deepEqual(test.security, [
      'Session "SID-B-1": the DHCP server 10.0.0.9 (MAC address 5E-00-00-00-00-09) assigned the IP address 10.0.0.50 to MAC address 5E-00-00-00-00-01 of session "SID-A-1".',
    ]);
  });

  it("lets a session use only addresses of DHCP, with DHCPForce", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a", { policy: { DHCPForce: true } }), test.plug("b")];
    a.send(arp({ from: 1 }));
    assert.equal(b.port.take().length, 0);
    assert.equal(a.attachment.counters.drops.dhcpForce, 1);
    a.send(dhcp({ from: 1, type: 3, client: 1, sourceIp: "0.0.0.0" }));
    assert.equal(b.port.take().length, 1);
    b.send(dhcp({ from: 9, type: 5, client: 1, yourIp: "10.0.0.1" }));
    a.send(arp({ from: 1 }), tcp4({ from: 1, to: 9 }), tcp4({ from: 1, to: 9, sourceIp: "10.0.0.2" }));
    assert.equal(b.port.take().length, 2);
  });

  it("takes no more IPv4 addresses than MaxIP and NoRouting say, and never less than four", () => {
    for (const [policy, limit, reason] of [
      [{ MaxIP: 6 }, 6, "ipLimit"],
      [{ MaxIP: 1 }, 4, "ipLimit"],
      [{ NoRouting: true }, 4, "routingLimit"],
    ] as const) {
      const test = new TestHub();
      const [a, b] = [test.plug("a", { policy }), test.plug("b")];
      b.send(ethernet(broadcastMac, mac(200)));
      for (let host = 1; host <= limit; host++)
        a.send(tcp4({ from: 1, to: 200, sourceIp: `10.1.0.${host}` }));
      // One that the hub does not keep counts, too.
      a.send(
        tcp4({ from: 1, to: 200, sourceIp: "8.8.8.8" }),
        tcp4({ from: 1, to: 200, sourceIp: "10.1.0.1" }),
      );
      assert.equal(b.port.take().length, limit + 1);
      assert.equal(a.attachment.counters.drops[reason], 1);
      assert.match(test.security[0] ?? "", /8\.8\.8\.8/);
    }
  });

  it("takes no more IPv6 addresses than MaxIPv6 and NoRoutingV6 say, but lets stations get theirs", () => {
    for (const [policy, limit] of [
      [{ MaxIPv6: 7 }, 7],
      [{ MaxIPv6: 1 }, 5],
      [{ NoRoutingV6: true }, 15],
    ] as const) {
      const test = new TestHub();
      const [a, b] = [test.plug("a", { policy }), test.plug("b")];
      for (let host = 1; host <= limit + 1; host++) a.send(icmpv6({ from: host }, 135));
      assert.equal(b.port.take().length, limit);
      a.send(icmpv6({ from: 99 }, 133), ipv6({ from: 98, protocol: 17 }, udp({ destinationPort: 547 })));
      assert.equal(b.port.take().length, 2);
    }
  });

  it("leaves an address to the session that uses it for 13 seconds, with CheckIP and CheckIPv6", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b", { policy: { CheckIP: true, CheckIPv6: true } })];
    a.send(arp({ from: 1 }), icmpv6({ from: 1 }, 135));
    test.advance(13_000);
    const stolen = [
      arp({ from: 2 }, { senderIp: "10.0.0.1" }),
      icmpv6({ from: 2, sourceIp: `fe80${"1".padStart(28, "0")}` }, 135),
    ];
    a.port.take();
    b.send(...stolen);
    assert.equal(a.port.take().length, 0);
    assert.equal(b.attachment.counters.drops.ipConflict, 2);
    test.advance(1);
    b.send(...stolen);
    assert.equal(a.port.take().length, 2);
    assert.deepEqual(ipsOf(test), ["10.0.0.1 SID-B-1", "fe80::1 SID-B-1"]);
  });

  it("loses the addresses of a port that is unplugged", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(arp({ from: 1 }));
    b.send(arp({ from: 2 }));
    a.attachment.detach();
    assert.deepEqual(ipsOf(test), ["10.0.0.2 SID-B-1"]);
  });
});
