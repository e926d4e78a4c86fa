import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HubOptions } from "../../../server/settings/hub-settings.ts";
import type { Policy } from "../../../server/settings/policy.ts";
import { TestHub, type TestPortOptions } from "./hub-fixture.ts";
import {
  arp,
  bpdu,
  broadcastMac,
  dhcp,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  mac,
  routerAdvertisement,
  tagged,
  tcp,
  tcp4,
  udp,
  udp4,
} from "./frames.ts";

/** One frame of each kind, from station 1; `to` undefined is everybody. */
function samples(to: number | undefined): Record<string, Buffer> {
  const packet = { from: 1, to };
  return {
    arp: arp(packet),
    tcp: tcp4(packet),
    tagged: tagged(tcp4(packet), 0),
    synAck: tcp4(packet, { flags: 0x12 }),
    synAck6: ipv6({ ...packet, protocol: 6 }, tcp({ flags: 0x12 })),
    udp: udp4(packet),
    ospf: ipv4({ ...packet, protocol: 89 }, Buffer.alloc(24)),
    ipv6: ipv6({ ...packet, protocol: 17 }, udp({})),
    dhcpRequest: dhcp({ ...packet, type: 3, client: 1, sourceIp: "0.0.0.0" }),
    dhcpReply: dhcp({ ...packet, type: 2, client: 1 }),
    dhcpv6Request: ipv6({ ...packet, protocol: 17 }, udp({ sourcePort: 546, destinationPort: 547 })),
    dhcpv6Reply: ipv6({ ...packet, protocol: 17 }, udp({ sourcePort: 547, destinationPort: 546 })),
    routerSolicitation: icmpv6(packet, 133),
    routerAdvertisement: routerAdvertisement(packet, 1800),
    neighborSolicitation: icmpv6(packet, 135),
    pppoe: ethernet(to === undefined ? broadcastMac : mac(to), mac(1), 0x8863),
    other: ethernet(to === undefined ? broadcastMac : mac(to), mac(1)),
  };
}

const ipv6Kinds = [
  "synAck6",
  "ipv6",
  "dhcpv6Request",
  "dhcpv6Reply",
  "routerSolicitation",
  "routerAdvertisement",
  "neighborSolicitation",
];
const ipv4Kinds = ["arp", "tcp", "tagged", "synAck", "udp", "ospf", "dhcpRequest", "dhcpReply"];
const nonIpKinds = ["pppoe", "other"];

/** The kinds that do not arrive at the other port. */
function missing(
  to: number | undefined,
  sender: TestPortOptions,
  receiver: TestPortOptions,
  option: Partial<HubOptions> = {},
): string[] {
  const stopped: string[] = [];
  for (const [kind, frame] of Object.entries(samples(to))) {
    const test = new TestHub({ option });
    const [a, b] = [test.plug("a", sender), test.plug("b", receiver)];
    b.send(ethernet(broadcastMac, mac(2)), tagged(ethernet(broadcastMac, mac(2)), 3));
    a.send(frame);
    if (b.port.take().length === 0) stopped.push(kind);
  }
  return stopped.sort();
}

const senderPolicies: readonly (readonly [Partial<Policy>, readonly string[]])[] = [
  [{}, []],
  [{ NoServer: true }, ["synAck"]],
  [{ NoServerV6: true }, ["synAck6"]],
  [{ FilterIPv4: true }, ipv4Kinds],
  [{ FilterIPv6: true }, ipv6Kinds],
  [{ FilterNonIP: true }, nonIpKinds],
  [{ DHCPFilter: true }, ["dhcpRequest", "dhcpReply"]],
  [{ DHCPNoServer: true }, ["dhcpReply"]],
  [{ DHCPv6Filter: true }, ["dhcpv6Request", "dhcpv6Reply"]],
  [{ DHCPv6NoServer: true }, ["dhcpv6Reply"]],
  [{ RSandRAFilter: true }, ["routerSolicitation", "routerAdvertisement"]],
  [{ RAFilter: true }, ["routerAdvertisement"]],
];
const afterArpDhcpOnly = ["tcp", "tagged", "synAck", "synAck6", "udp", "ospf", "ipv6", "pppoe", "other"];

describe("policies of the sender", () => {
  for (const [policy, kinds] of senderPolicies) {
    it(`${Object.keys(policy).join() || "none"} stops ${kinds.join(", ") || "nothing"}`, () => {
      for (const to of [undefined, 2]) assert.deepEqual(missing(to, { policy }, {}), [...kinds].sort());
    });
  }

  it("ArpDhcpOnly stops all broadcasts but ARP, DHCP and ICMPv6, and no unicast", () => {
    const policy = { ArpDhcpOnly: true };
    assert.deepEqual(missing(undefined, { policy }, {}), [...afterArpDhcpOnly].sort());
    assert.deepEqual(missing(2, { policy }, {}), []);
  });

  it("tells of forbidden servers in the security log", () => {
    const test = new TestHub();
    const a = test.plug("a", { policy: { NoServer: true, DHCPNoServer: true } });
    a.send(tcp4({ from: 1, to: 2 }, { flags: 0x12, sourcePort: 80, destinationPort: 4000 }));
    a.send(dhcp({ from: 1, type: 2, client: 3 }));
    assert.deepEqual(test.security, [
      'Session "SID-A-1": the policy forbids to act as a server; dropped the answer from 10.0.0.1 port 80 to the connection of 10.0.0.2 port 4000.',
      'Session "SID-A-1": the policy forbids to act as a DHCP server; dropped the answer from IP address 10.0.0.1 to 10.0.0.255.',
    ]);
  });
});

describe("policies of the receiver", () => {
  const receiverPolicies: readonly (readonly [Partial<Policy>, readonly string[]])[] = [
    [{ FilterIPv4: true }, ipv4Kinds],
    [{ FilterIPv6: true }, ipv6Kinds],
    [{ FilterNonIP: true }, nonIpKinds],
    [{ DHCPFilter: true }, ["dhcpRequest", "dhcpReply"]],
    [{ DHCPv6Filter: true }, ["dhcpv6Request", "dhcpv6Reply"]],
    [{ RSandRAFilter: true }, ["routerSolicitation", "routerAdvertisement"]],
  ];
  for (const [policy, kinds] of receiverPolicies) {
    it(`${Object.keys(policy).join()} keeps away ${kinds.join(", ")}`, () => {
      for (const to of [undefined, 2]) {
        // The receiver says hello with frames that its own policy would stop.
        const hello = "FilterNonIP" in policy ? arp({ from: 2 }) : ethernet(broadcastMac, mac(2));
        const stopped = Object.entries(samples(to)).filter(([, frame]) => {
          const test = new TestHub();
          const [a, b, c] = [test.plug("a"), test.plug("b", { policy }), test.plug("c")];
          b.send(hello);
          c.port.take();
          a.send(frame);
          if (to === undefined) assert.deepEqual(c.port.take(), [frame], "others get it");
          return b.port.take().length === 0;
        });
        assert.deepEqual(stopped.map(([kind]) => kind).sort(), [...kinds].sort());
      }
    });
  }

  it("ArpDhcpOnly keeps away all broadcasts but ARP, DHCP and ICMPv6, and no unicast", () => {
    const policy = { ArpDhcpOnly: true };
    assert.deepEqual(missing(undefined, {}, { policy }), [...afterArpDhcpOnly].sort());
  });

  it("NoIPv6DefaultRouterInRA takes the default router out of router advertisements, for this port alone", () => {
    for (const to of [undefined, 2]) {
      const test = new TestHub();
      const [a, b, c] = [
        test.plug("a"),
        test.plug("b", { policy: { NoIPv6DefaultRouterInRA: true } }),
        test.plug("c"),
      ];
      b.send(ethernet(broadcastMac, mac(2)));
      c.port.take();
      const frame = routerAdvertisement({ from: 1, to }, 1800);
      const before = Buffer.from(frame);
      a.send(frame, tcp4({ from: 1, to }));
      assert.deepEqual(b.port.take(), [routerAdvertisement({ from: 1, to }, 0), tcp4({ from: 1, to })]);
      if (to === undefined) assert.deepEqual(c.port.take(), [before, tcp4({ from: 1, to })]);
    }
  });

  it("does the same for sessions over IPv6 by default", () => {
    const received = (peerAddress: string, options: Partial<HubOptions> = {}) => {
      const test = new TestHub({ option: options });
      const [a, b] = [test.plug("a"), test.plug("b", { peerAddress })];
      a.send(routerAdvertisement({ from: 1 }, 1800));
      return b.port.take()[0]?.readUInt16BE(54 + 6);
    };
    assert.equal(received("2001:db8::1"), 0);
    assert.equal(received("203.0.113.1"), 1800);
    assert.equal(received("::ffff:203.0.113.1"), 1800);
    assert.equal(received("2001:db8::1", { NoIPv6DefaultRouterInRAWhenIPv6: false }), 1800);
  });
});

describe("the router of IPv6 that SecureNAT is", () => {
  it("is none of a segment that the hub is bridged to, nor of the server's own host", () => {
    for (const [kind, isTold] of [
      ["secure-nat", false],
      ["session", true],
      ["local-bridge", true],
    ] as const) {
      for (const to of [undefined, 2]) {
        const test = new TestHub();
        const [router, bridge, session] = [
          test.plug("router", { kind }),
          test.plug("bridge", { kind: "local-bridge" }),
          test.plug("session"),
        ];
        bridge.send(ethernet(broadcastMac, mac(2)));
        session.port.take();
        const frames = [samples(to)["routerAdvertisement"], samples(to)["dhcpv6Reply"]].map(
          (frame) => frame ?? assert.fail(),
        );
        const other = samples(to)["neighborSolicitation"] ?? tcp4({ from: 1, to });
        router.send(...frames, other);
        assert.equal(bridge.port.take().length, isTold ? 3 : 1, `${kind} to ${to}`);
        if (to === undefined) assert.equal(session.port.take().length, 3);
      }
    }
  });
});

describe("privacy filter", () => {
  const both = { policy: { PrivacyFilter: true } };

  it("stops all between two sessions that have it, and nothing else", () => {
    const kinds = Object.keys(samples(2)).sort();
    for (const to of [undefined, 2]) {
      assert.deepEqual(missing(to, both, both), kinds);
      assert.deepEqual(missing(to, both, {}), []);
      assert.deepEqual(missing(to, {}, both), []);
    }
  });

  it("lets broadcasts and ARP through where the hub is set so", () => {
    const broadcasts = { DropBroadcastsInPrivacyFilterMode: false };
    assert.deepEqual(missing(undefined, both, both, broadcasts), []);
    assert.equal(missing(2, both, both, broadcasts).length, Object.keys(samples(2)).length);
    const withArp = { DropArpInPrivacyFilterMode: false };
    assert.ok(!missing(2, both, both, withArp).includes("arp"));
    assert.ok(missing(2, both, both, withArp).includes("tcp"));
  });

  it("does not keep the frames from a third session", () => {
    const test = new TestHub();
    const [a, b, c] = [test.plug("a", both), test.plug("b", both), test.plug("c")];
    a.send(arp({ from: 1 }));
    assert.deepEqual([b.port.take().length, c.port.take().length], [0, 1]);
    assert.equal(b.attachment.counters.drops.privacyFilter, 1);
  });
});

describe("options of the hub", () => {
  for (const [option, kinds] of [
    [{ FilterPPPoE: true }, ["pppoe"]],
    [{ FilterOSPF: true }, ["ospf"]],
    [{ FilterIPv4: true }, ipv4Kinds],
    [{ FilterIPv6: true }, ipv6Kinds],
    [{ FilterNonIP: true }, nonIpKinds],
  ] as const) {
    it(`${Object.keys(option).join()} stops ${kinds.join(", ")}`, () => {
      assert.deepEqual(missing(undefined, {}, {}, option), [...kinds].sort());
    });
  }

  it("FilterBPDU stops spanning tree", () => {
    for (const FilterBPDU of [false, true]) {
      const test = new TestHub({ option: { FilterBPDU } });
      const [a, b] = [test.plug("a"), test.plug("b")];
      a.send(bpdu(1, 7));
      assert.equal(b.port.take().length, FilterBPDU ? 0 : 1);
    }
  });

  it("lets nothing pass while it is offline", () => {
    const test = new TestHub({ online: false });
    const [a, b] = [test.plug("a"), test.plug("b")];
    a.send(arp({ from: 1 }));
    assert.equal(b.port.take().length, 0);
    test.hub.update({ ...test.hub.settings, online: true });
    a.send(arp({ from: 1 }));
    assert.equal(b.port.take().length, 1);
  });
});

describe("bandwidth", () => {
  /** Frames of 1000 bytes that arrive, of 20 in one second. */
  const arriving = (sender: Partial<Policy>, receiver: Partial<Policy>, to: number | undefined) => {
    const test = new TestHub();
    const [a, b] = [
      test.plug("a", { policy: { NoBroadcastLimiter: true, ...sender } }),
      test.plug("b", { policy: receiver }),
    ];
    b.send(ethernet(broadcastMac, mac(2)));
    const frame = udp4({ from: 1, to }, {}, Buffer.alloc(1000 - 42));
    for (let count = 0; count < 20; count++) a.send(frame);
    const first = b.port.take().length;
    test.advance(1_001);
    for (let count = 0; count < 20; count++) a.send(frame);
    const second = b.port.take().length;
    a.send(tcp4({ from: 1, to }, { flags: 0x02 }), arp({ from: 1, to }));
    return [first, second, b.port.take().length];
  };

  it("is what MaxUpload says, but for what opens connections", () => {
    for (const to of [undefined, 2]) assert.deepEqual(arriving({ MaxUpload: 80_000 }, {}, to), [10, 10, 2]);
  });

  it("is what MaxDownload says, but for what opens connections", () => {
    for (const to of [undefined, 2]) assert.deepEqual(arriving({}, { MaxDownload: 80_000 }, to), [10, 10, 2]);
  });

  it("has no limit otherwise", () => {
    assert.deepEqual(arriving({}, {}, 2), [20, 20, 2]);
  });
});

describe("policy VLanId", () => {
  it("puts a port into a VLAN: without a tag there, with it elsewhere", () => {
    const test = new TestHub();
    const vlan = { policy: { VLanId: 7 } };
    const [a, b, trunk, other] = [
      test.plug("a", vlan),
      test.plug("b", vlan),
      test.plug("trunk"),
      test.plug("other", { policy: { VLanId: 8 } }),
    ];
    const hello = arp({ from: 1 });
    a.send(hello, hello);
    assert.deepEqual(b.port.take(), [hello, hello]);
    assert.deepEqual(trunk.port.take(), [tagged(hello, 7), tagged(hello, 7)]);
    assert.deepEqual(other.port.take(), []);
    const answer = arp({ from: 2, to: 1 }, { operation: 2 });
    trunk.send(tagged(answer, 7), answer, tagged(answer, 8));
    assert.deepEqual(a.port.take(), [answer]);
    const unicast = tcp4({ from: 1, to: 2 });
    a.send(unicast, Buffer.alloc(13));
    assert.deepEqual(trunk.port.take(), [tagged(unicast, 7)]);
    assert.equal(a.attachment.counters.drops.short, 1);
  });
});
