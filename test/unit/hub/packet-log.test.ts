import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defaultHubLog,
  type HubOptions,
  type PacketLogKind,
  type PacketLogLevel,
} from "../../../server/settings/hub-settings.ts";
import { TestHub } from "./hub-fixture.ts";
import {
  arp,
  bpdu,
  broadcastMac,
  dhcp,
  dnsQuery,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  linkLocal,
  mac,
  routerAdvertisement,
  tcp,
  tcp4,
  udp,
  udp4,
} from "./frames.ts";

type Levels = Partial<Record<PacketLogKind, PacketLogLevel>>;
const none: Record<PacketLogKind, PacketLogLevel> = {
  tcpConnection: 0,
  tcp: 0,
  dhcp: 0,
  udp: 0,
  icmp: 0,
  ip: 0,
  arp: 0,
  ethernet: 0,
};

function hubThatLogs(levels: Levels | undefined, option: Partial<HubOptions> = {}) {
  const log = levels === undefined ? defaultHubLog : { ...defaultHubLog, packetLog: { ...none, ...levels } };
  const test = new TestHub({ log, option });
  const [a, b] = [test.plug("a"), test.plug("b", { peerAddress: "2001:db8::7" })];
  b.send(ethernet(broadcastMac, mac(2)));
  test.packets.length = 0;
  return { test, a, b };
}

/** The line that is logged about a frame of station 1. */
function lineOf(frame: Buffer, levels: Levels = { ethernet: 1 }): string | undefined {
  const { test, a } = hubThatLogs(levels);
  a.send(frame);
  return test.packets[0];
}

describe("lines of the packet log", () => {
  it("tell of TCP", () => {
    const frame = tcp4({ from: 1, to: 2 }, { flags: 0x12, sequence: 4_000_000_000, acknowledgement: 7 });
    assert.equal(
      lineOf(frame),
      "SID-A-1,SID-B-1,5E0000000001,5E0000000002,0x0800,54,TCP_CONNECTv4,SYN+ACK,10.0.0.1,40000,10.0.0.2,5201,4000000000,7,WindowSize=1024,-,203.0.113.1,2001:db8::7",
    );
    assert.match(lineOf(tcp4({ from: 1, to: 2 }, { flags: 0x18 })) ?? "", /,TCP_DATAv4,PSH\+ACK,/);
    assert.match(
      lineOf(ipv6({ from: 1, to: 2, protocol: 6 }, tcp({ flags: 0x02 }))) ?? "",
      /,0x86DD,74,TCP_CONNECTv6,SYN,fe80::1,40000,fe80::2,5201,/,
    );
  });

  it("tell of the other kinds", () => {
    const kinds: readonly (readonly [Buffer, string])[] = [
      [
        arp({ from: 1 }),
        "ARPv4,Request,-,-,-,-,-,-,Who has 10.0.0.254? Please Tell 5E0000000001(10.0.0.1),-",
      ],
      [arp({ from: 1, to: 2 }, { operation: 2 }), "ARPv4,Response,-,-,-,-,-,-,5E0000000001 has 10.0.0.1,-"],
      [udp4({ from: 1, to: 2 }), "UDPv4,-,10.0.0.1,40000,10.0.0.2,5201,-,-,-,-"],
      [
        dhcp({ from: 1, type: 5, client: 1, yourIp: "10.0.0.9" }),
        "DHCPv4,Response,10.0.0.1,67,10.0.0.255,68,-,-,TransactionId=4660 ClientIP=0.0.0.0 YourIP=10.0.0.9 ServerIP=0.0.0.0 RelayIP=0.0.0.0,-",
      ],
      [
        dnsQuery({ from: 1, to: 2 }, "a,b.example"),
        "DNSv4,DNS_Query,10.0.0.1,40000,10.0.0.2,53,-,-,a_b.example,-",
      ],
      [
        ipv4({ from: 1, to: 2, protocol: 1 }, Buffer.from([8, 0, 0, 0])),
        "ICMPv4,Echo Request,10.0.0.1,-,10.0.0.2,-,-,-,-,-",
      ],
      [
        ipv4({ from: 1, to: 2, protocol: 17, fragmentOffset: 9 }, Buffer.alloc(8)),
        "IPv4_Fragment(0x11),-,10.0.0.1,-,10.0.0.2,-,-,-,-,-",
      ],
      [ipv4({ from: 1, to: 2, protocol: 47 }, Buffer.alloc(8)), "IPv4(0x2F),-,10.0.0.1,-,10.0.0.2,-,-,-,-,-"],
      [ipv6({ from: 1, to: 2, protocol: 17 }, udp({})), "UDPv6,-,fe80::1,40000,fe80::2,5201,-,-,-,-"],
      [icmpv6({ from: 1, to: 2 }, 128), "ICMPv6,Echo Request,fe80::1,-,fe80::2,-,-,-,EchoDataSize=16,-"],
      [
        routerAdvertisement({ from: 1, to: 2 }, 1800),
        "ICMPv6,Router Advertisement,fe80::1,-,fe80::2,-,-,-,CurHopLimit=64 Flags=0x00 Lifetime=1800,-",
      ],
      [
        icmpv6({ from: 1, to: 2 }, 135, Buffer.from(`00000000${linkLocal(2)}`, "hex")),
        "ICMPv6,Neighbor Soliciation,fe80::1,-,fe80::2,-,-,-,TargetAddress=fe80::2,-",
      ],
      [icmpv6({ from: 1, to: 2 }, 143), "ICMPv6,Type=143,fe80::1,-,fe80::2,-,-,-,-,-"],
      [ethernet(mac(2), mac(1)), "Proto=0x88B5,-,-,-,-,-,-,-,-,-"],
      [bpdu(1, 3), "-,-,-,-,-,-,-,-,-,-"],
    ];
    for (const [frame, expected] of kinds) {
      const fields = lineOf(frame)?.split(",") ?? [];
      assert.equal(fields.length, 18);
      assert.equal(fields.slice(6, 16).join(","), expected);
    }
  });

  it("have no destination for frames that go to several ports", () => {
    assert.match(lineOf(arp({ from: 1 })) ?? "", /^SID-A-1,-,.*,203\.0\.113\.1,-$/);
  });

  it("have the whole frame at level 2", () => {
    const frame = arp({ from: 1 });
    assert.equal(lineOf(frame, { arp: 2 })?.split(",")[15], frame.toString("hex").toUpperCase());
  });
});

describe("what the packet log has", () => {
  const frames = {
    syn: tcp4({ from: 1, to: 2 }, { flags: 0x02 }),
    data: tcp4({ from: 1, to: 2 }),
    dhcp: dhcp({ from: 1, type: 3, client: 1 }),
    dns: dnsQuery({ from: 1, to: 2 }, "example.com"),
    udp: udp4({ from: 1, to: 2 }),
    icmp: ipv4({ from: 1, to: 2, protocol: 1 }, Buffer.from([8, 0, 0, 0])),
    icmpv6: icmpv6({ from: 1, to: 2 }, 128),
    esp: ipv4({ from: 1, to: 2, protocol: 50 }, Buffer.alloc(8)),
    arp: arp({ from: 1 }),
    other: ethernet(mac(2), mac(1)),
  };

  const logged = (levels: Levels | undefined, option?: Partial<HubOptions>) =>
    Object.entries(frames)
      .filter(([, frame]) => {
        const { test, a } = hubThatLogs(levels, option);
        // Known, so that the frame could take the short way.
        a.send(tcp4({ from: 1 }));
        test.packets.length = 0;
        a.send(frame);
        return test.packets.length === 1;
      })
      .map(([kind]) => kind);

  const all = Object.keys(frames);
  const cases: readonly (readonly [Levels | undefined, readonly string[]])[] = [
    [undefined, ["syn", "dhcp", "dns"]],
    [{}, []],
    [{ tcpConnection: 1 }, ["syn", "dns"]],
    [{ tcp: 1 }, ["syn", "data"]],
    [{ dhcp: 1 }, ["dhcp"]],
    [{ udp: 2 }, ["dhcp", "dns", "udp"]],
    [{ icmp: 1 }, ["icmp", "icmpv6"]],
    [{ ip: 1 }, all.filter((kind) => kind !== "arp" && kind !== "other")],
    [{ arp: 1 }, ["arp"]],
    [{ ethernet: 1 }, all],
  ];
  for (const [levels, kinds] of cases) {
    it(`is ${kinds.join(", ") || "nothing"} at ${levels === undefined ? "the levels of a new hub" : JSON.stringify(levels)}`, () => {
      assert.deepEqual(logged(levels), kinds);
    });
  }

  it("is nothing of IPv4 or IPv6 where the hub is set so", () => {
    assert.deepEqual(logged({ ethernet: 1 }, { NoIPv4PacketLog: true }), ["icmpv6", "other"]);
    assert.deepEqual(
      logged({ ethernet: 1 }, { NoIPv6PacketLog: true }),
      all.filter((kind) => kind !== "icmpv6"),
    );
  });

  it("is nothing when packets are not logged, and no event when events are not", () => {
    const test = new TestHub({
      log: {
        ...defaultHubLog,
        saveSecurityLog: false,
        savePacketLog: false,
        packetLog: { ...none, ethernet: 2 },
      },
      option: { NoMacAddressLog: false },
    });
    test.plug("a", { policy: { NoServer: true } }).send(tcp4({ from: 1 }, { flags: 0x12 }), arp({ from: 1 }));
    assert.deepEqual([test.packets, test.security], [[], []]);
  });

  it("has so many frames of a session in a minute; the hub drops those beyond", () => {
    const { test, a, b } = hubThatLogs({ tcpConnection: 1 }, { MaxLoggedPacketsPerMinute: 3 });
    a.send(...Array.from({ length: 5 }, () => frames.syn), frames.data);
    assert.equal(test.packets.length, 3);
    assert.equal(b.port.take().length, 4);
    assert.equal(a.attachment.counters.drops.logLimit, 2);
    test.advance(60_000);
    a.send(frames.syn);
    assert.equal(test.packets.length, 4);
  });
});

describe("monitor", () => {
  it("gets what a receiver's policy keeps away, once", () => {
    const test = new TestHub();
    const [a, b, monitor] = [
      test.plug("a"),
      test.plug("b", { policy: { FilterIPv4: true } }),
      test.plug("m", { monitor: true }),
    ];
    b.send(ethernet(broadcastMac, mac(2)));
    monitor.port.take();
    const sent = [
      tcp4({ from: 1, to: 2 }),
      ethernet(mac(2), mac(1)),
      arp({ from: 1 }),
      ethernet(mac(99), mac(1)),
    ];
    a.send(...sent);
    assert.deepEqual(monitor.port.take(), sent);
    assert.equal(b.port.take().length, 2);
    assert.equal(b.attachment.counters.drops.receiverPolicy, 2);
  });

  it("gets nothing that is dropped on entry", () => {
    const test = new TestHub();
    const [a, monitor] = [
      test.plug("a", { policy: { FilterIPv4: true } }),
      test.plug("m", { monitor: true }),
    ];
    a.send(tcp4({ from: 1 }));
    assert.deepEqual(monitor.port.take(), []);
  });
});

describe("counters of a hub", () => {
  it("are those of all ports, also of those that are gone", () => {
    const test = new TestHub();
    const [a, b] = [test.plug("a"), test.plug("b")];
    b.send(ethernet(broadcastMac, mac(2)));
    a.send(tcp4({ from: 1, to: 2 }), arp({ from: 1 }), Buffer.alloc(3));
    a.attachment.detach();
    const { received, sent, drops } = test.hub.counters;
    assert.deepEqual(received, {
      unicastFrames: 2,
      unicastBytes: 57,
      broadcastFrames: 2,
      broadcastBytes: 102,
    });
    assert.deepEqual(sent, { unicastFrames: 1, unicastBytes: 54, broadcastFrames: 2, broadcastBytes: 102 });
    assert.equal(drops.short, 1);
  });
});
