import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  dhcpv6Options,
  dhcpv6Types,
  readDhcpv6Message,
  writeDhcpv6Message,
} from "../../../server/dhcp/dhcpv6-message.ts";
import { icmpv6Types, tcpFlags } from "../../../server/ethernet/frame.ts";
import { formatIpAddress, ipv6At, type IpAddress } from "../../../server/ethernet/packed-address.ts";
import { ipv6HostLimits } from "../../../server/limits.ts";
import { atOnce } from "../../../server/turns.ts";
import {
  allRouters,
  allStations,
  client6,
  clientLinkLocal,
  host6,
  icmpv6,
  inNetwork,
  ip6,
  ping6,
  plan,
  read6,
  solicitNeighbor,
  solicitRouter,
  web6,
} from "./ipv6-client.ts";
import { client, defaultSecureNat, host, readSegment, World } from "./world.ts";

const { syn, ack, rst } = tcpFlags;

/** A virtual host with IPv6 whose client has been told of it. */
function worldWith(ipv6: "leads" | "refuses" = "leads", settings = defaultSecureNat): World {
  const world = new World(settings, ipv6);
  world.nat.tick();
  world.receive(world.ping("first of its session"));
  world.take();
  return world;
}

/** Options of a message by their kinds, and the head before them. */
function optionsOf(body: Buffer, headBytes: number): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let at = headBytes; at < body.length;) {
    const bytes = (body[at + 1] ?? 0) * 8;
    assert.ok(bytes > 0);
    options.set(body[at] ?? 0, body.subarray(at, at + bytes));
    at += bytes;
  }
  return options;
}

function advertisementOf(frame: Buffer | undefined) {
  const { icmpType, body, hopLimit, from, to } = read6(frame);
  assert.deepEqual([icmpType, hopLimit, from], [icmpv6Types.routerAdvertisement, 255, plan.linkLocal]);
  return {
    to: formatIpAddress(to),
    flags: body[5],
    lifetime: body.readUInt16BE(6),
    options: optionsOf(body, 16),
  };
}

describe("a router of IPv6", () => {
  test("tells of itself as the first choice, of its network, its MTU and its name server", () => {
    const settings = { ...defaultSecureNat, dhcp: { ...defaultSecureNat.dhcp, domainName: "lab.example" } };
    const [answer] = worldWith("leads", settings).receive(solicitRouter());
    const { flags, lifetime, options, to } = advertisementOf(answer);
    // Managed: no. Other: yes. Preference: high.
    assert.deepEqual([flags, lifetime, to], [0x48, 1_800, "fe80::7"]);
    assert.equal(options.get(1)?.toString("hex"), "01015e0000000001");
    assert.equal(options.get(5)?.readUInt32BE(4), 1_500);
    const prefix = options.get(3) ?? assert.fail();
    assert.deepEqual([prefix[2], prefix[3]], [64, 0xc0]);
    assert.deepEqual([prefix.readUInt32BE(4), prefix.readUInt32BE(8)], [7_200, 1_800]);
    assert.equal(ipv6At(prefix, 16), plan.network.first);
    const names = options.get(25) ?? assert.fail();
    assert.deepEqual([names.readUInt32BE(4), ipv6At(names, 8)], [1_800, plan.address]);
    assert.equal(options.get(31)?.toString("latin1", 8, 21), "\x03lab\x07example\0");
  });

  test("names no name server where DHCP names another one", () => {
    const dhcp = { ...defaultSecureNat.dhcp, nameServers: [0x0909_0909, 0] as const };
    const [answer] = worldWith("leads", { ...defaultSecureNat, dhcp }).receive(solicitRouter());
    assert.equal(advertisementOf(answer).options.has(25), false);
  });

  test("keeps to the least MTU of IPv6 where that of IPv4 is smaller", () => {
    const nat = { ...defaultSecureNat.nat, mtu: 600 };
    const [answer] = worldWith("leads", { ...defaultSecureNat, nat }).receive(solicitRouter());
    assert.equal(advertisementOf(answer).options.get(5)?.readUInt32BE(4), 1_280);
  });

  test("says so to all at first and from time to time, and at its end that it is none any more", () => {
    const world = new World(defaultSecureNat, "leads");
    assert.equal(world.nat.tick(), Infinity, "nobody is there");
    assert.equal(advertisementOf(world.take()[0]).to, "ff02::1");
    world.receive(world.ping("somebody"));
    world.take();
    const gaps = Array.from({ length: 6 }, () => {
      const before = world.now;
      world.now = world.nat.tick();
      assert.deepEqual(world.take(), []);
      world.nat.tick();
      assert.equal(advertisementOf(world.take()[0]).to, "ff02::1");
      return world.now - before;
    });
    const { leastAdvertisementMs, mostAdvertisementMs, firstAdvertisementMs, quietMs } = ipv6HostLimits;
    assert.deepEqual(gaps.slice(0, 2), [firstAdvertisementMs, firstAdvertisementMs]);
    for (const gap of gaps.slice(2))
      assert.ok(gap >= leastAdvertisementMs && gap <= mostAdvertisementMs, String(gap));
    world.now += quietMs;
    assert.equal(world.nat.tick(), Infinity, "nobody was heard for long");
    world.receive(world.ping("somebody again"));
    world.take();
    world.nat.tick();
    assert.equal(advertisementOf(world.take()[0]).to, "ff02::1");
    world.take();
    atOnce(world.nat.close());
    const { lifetime, options, to } = advertisementOf(world.take()[0]);
    assert.deepEqual([lifetime, to], [0, "ff02::1"]);
    const prefix = options.get(3) ?? assert.fail();
    assert.deepEqual(
      [prefix.readUInt32BE(4), prefix.readUInt32BE(8), options.get(25)?.readUInt32BE(4)],
      [0, 0, 0],
    );
  });

  test("tells each session once when it is heard first, by the MAC address of who was heard", () => {
    const world = new World(defaultSecureNat, "leads");
    world.nat.tick();
    world.take();
    const [advertisement, ...others] = world.receive(world.ping("hello"));
    assert.equal(advertisement?.toString("hex", 0, 6), "020000000007");
    assert.equal(advertisementOf(advertisement).to, "ff02::1");
    assert.equal(others.length, 1, "and the ping is answered");
    assert.equal(world.receive(world.ping("again")).length, 1);
    assert.equal(world.receive(world.ping("another session"), 2).length, 2);
    for (let session = 3; session <= ipv6HostLimits.told + 2; session++)
      world.receive(world.ping(""), session);
    assert.equal(world.receive(world.ping("forgotten meanwhile"), 1).length, 2);
  });

  test("answers who has no address yet as all, and all not more often than it should", () => {
    const world = worldWith();
    const ask = () =>
      world.receive(solicitRouter({ from: { ...client, address: ip6("::") } }, Buffer.alloc(0)));
    assert.deepEqual(ask(), [], "all were told just now");
    world.now = ipv6HostLimits.advertisementGapMs;
    world.nat.tick();
    assert.equal(advertisementOf(world.take()[0]).to, "ff02::1");
    assert.deepEqual(ask(), []);
  });

  test("answers a session that asks again and again some times in a second", () => {
    const world = worldWith();
    const asked = () =>
      Array.from({ length: 50 }, () => world.receive(solicitRouter()).length).filter(Boolean).length;
    assert.equal(asked(), ipv6HostLimits.advertisementsEach);
    assert.equal(world.receive(solicitRouter(), 2).length, 2, "another session is told, and answered");
    world.now = 1_000;
    assert.equal(asked(), ipv6HostLimits.advertisementsEach);
  });

  test("hears nothing that came over another router, or that is damaged", () => {
    const world = worldWith();
    const noLength = Buffer.from("0100020000000007", "hex");
    const tooLong = Buffer.from("0102020000000007", "hex");
    for (const frame of [
      solicitRouter({ hopLimit: 254 }),
      solicitRouter({}, noLength),
      solicitRouter({}, tooLong),
      solicitRouter({ from: { ...client, address: ip6("::") } }),
      solicitNeighbor(plan.address, { hopLimit: 64 }),
      solicitNeighbor(plan.address, { more: noLength }),
      solicitNeighbor(ip6("ff02::1")),
      solicitNeighbor(plan.address, { from: { ...client, address: ip6("::") } }),
      solicitNeighbor(plan.address, {
        from: { ...client, address: ip6("::") },
        to: host6,
        more: Buffer.alloc(0),
      }),
      solicitNeighbor(plan.address, { from: { ...client, address: ip6("ff02::7") } }),
    ])
      assert.deepEqual(world.receive(frame), []);
    const damaged = solicitNeighbor(plan.address);
    damaged[damaged.length - 1] = 0xff;
    assert.deepEqual(world.receive(damaged), []);
  });
});

describe("a neighbour of IPv6", () => {
  test("tells who asks for its addresses, one or all, and for nobody else's", () => {
    const world = worldWith();
    for (const target of [plan.address, plan.linkLocal]) {
      for (const to of [undefined, { ...host, address: target }]) {
        const [answer, ...more] = world.receive(solicitNeighbor(target, to === undefined ? {} : { to }));
        const { icmpType, body, from, to: answered, hopLimit } = read6(answer);
        assert.deepEqual(more, []);
        assert.deepEqual([icmpType, hopLimit, from, answered], [136, 255, target, clientLinkLocal.address]);
        // A router, asked, and what is known before does not hold.
        assert.equal(body[4], 0xe0);
        assert.equal(ipv6At(body, 8), target);
        assert.equal(optionsOf(body, 24).get(2)?.toString("hex"), "02015e0000000001");
      }
    }
    assert.deepEqual(world.receive(solicitNeighbor(inNetwork("2"))), []);
  });

  test("tells who would like to have one of them, as all", () => {
    const world = worldWith();
    const probe = solicitNeighbor(plan.address, {
      from: { ...client, address: ip6("::") },
      more: Buffer.alloc(0),
    });
    const { body, to } = read6(world.receive(probe)[0]);
    assert.deepEqual([body[4], formatIpAddress(to)], [0xa0, "ff02::1"]);
  });

  test("answers ping with what it was sent, by each of its addresses", () => {
    const world = worldWith();
    for (const [from, to, answers] of [
      [client6, host6, plan.address],
      [clientLinkLocal, { ...host, address: plan.linkLocal }, plan.linkLocal],
      [clientLinkLocal, allStations, plan.linkLocal],
    ] as const) {
      const answer = read6(world.receive(ping6("anybody there?", { from, to }))[0]);
      assert.deepEqual([answer.icmpType, answer.from, answer.to], [129, answers, from.address]);
      assert.equal(answer.body.toString("latin1", 4), "\0\x05\0\x06anybody there?");
    }
    const damaged = ping6("x".repeat(20));
    damaged[damaged.length - 1] = 0;
    assert.deepEqual(world.receive(damaged), []);
  });

  test("tells name servers by DHCPv6, to who asks for nothing else", () => {
    const settings = { ...defaultSecureNat, dhcp: { ...defaultSecureNat.dhcp, domainName: "lab.example" } };
    const world = worldWith("leads", settings);
    const servers = { mac0: 0x3333, mac1: 0x1_0002, address: ip6("ff02::1:2") };
    const id = Buffer.from("000100011c39cf880800271bc9c1", "hex");
    const ask = (
      options: readonly (readonly [number, Uint8Array])[],
      type: number = dhcpv6Types.informationRequest,
    ) => {
      const payload = writeDhcpv6Message({ type, transactionId: 0x12_3456, options: new Map(options) });
      const ends = { port: 546, toPort: 547, from: clientLinkLocal, to: servers.address, mac: servers };
      return world.receive(world.datagram(payload, ends)[0] ?? assert.fail());
    };
    const { body, from, sourcePort, destinationPort } = read6(ask([[dhcpv6Options.clientId, id]])[0]);
    assert.deepEqual([from, sourcePort, destinationPort], [plan.linkLocal, 547, 546]);
    const message = readDhcpv6Message(body, 8, body.length) ?? assert.fail();
    assert.deepEqual([message.type, message.transactionId], [dhcpv6Types.reply, 0x12_3456]);
    const { clientId, serverId, nameServers, searchDomains } = dhcpv6Options;
    assert.deepEqual([...message.options.keys()], [clientId, serverId, nameServers, searchDomains]);
    assert.deepEqual(Buffer.from(message.options.get(clientId) ?? []), id);
    const own = Buffer.from(message.options.get(serverId) ?? []);
    assert.equal(own.toString("hex"), "000300015e0000000001");
    assert.equal(ipv6At(message.options.get(nameServers) ?? assert.fail(), 0), plan.address);
    assert.equal(ask([[serverId, own]]).length, 1);
    assert.deepEqual(ask([[serverId, id]]), [], "another server is asked");
    assert.deepEqual(ask([[dhcpv6Options.addresses, Buffer.alloc(12)]]), [], "addresses it has none");
    assert.deepEqual(ask([[clientId, Buffer.alloc(200)]]), []);
    assert.deepEqual(ask([], 1), []);
  });

  test("is not there where IPv6 is off", () => {
    const world = new World();
    world.nat.tick();
    for (const frame of [solicitRouter(), solicitNeighbor(plan.address), ping6("x")])
      assert.deepEqual(world.receive(frame), []);
  });
});

describe("what has no way by IPv6", () => {
  const outside = { ...host, address: web6 };
  /** What a client is told of one of its packets. */
  function refusal(frame: Buffer | undefined, sent: Buffer) {
    const { icmpType, code, body, from, to } = read6(frame);
    assert.deepEqual([icmpType, from], [icmpv6Types.destinationUnreachable, plan.address]);
    const quoted = body.subarray(8);
    assert.ok(quoted.equals(sent.subarray(14, 14 + quoted.length)) && quoted.length >= 48);
    assert.ok(40 + body.length <= 1_280);
    return { code, to: formatIpAddress(to) };
  }

  test("is refused at once where the host leads nowhere: TCP by a reset, all else by an error", () => {
    const world = worldWith("refuses");
    const [reset] = world.receive(
      world.segment({ sequence: 10, flags: syn }, "", { from: client6, to: web6 }),
    );
    const { from, flags, acknowledgment } = readSegment(read6(reset));
    assert.deepEqual([from, flags, acknowledgment], [web6, rst | ack, 11]);
    assert.deepEqual(world.receive(world.segment({ flags: rst }, "", { from: client6, to: web6 })), []);
    const datagram = world.datagram("x".repeat(1_400), { from: client6, to: web6 })[0] ?? assert.fail();
    const ping = ping6("x", { to: outside });
    for (const [sent, code] of [
      [datagram, 4],
      [ping, 0],
    ] as const) {
      const told = refusal(world.receive(sent)[0], sent);
      assert.deepEqual(told, { code, to: formatIpAddress(client6.address) });
    }
    assert.deepEqual([world.outside, world.udpSockets, world.pings], [[], [], []]);
  });

  test("is refused where clients may not go, by whatever it would go", () => {
    const world = worldWith();
    for (const text of [
      ...[
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:169.254.169.254",
      ],
      ...["fe80::1", "febf::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe"],
      ...["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::0.0.0.0", "64:ff9b:1::10.0.0.1"],
      ...["2002:7f00:1::1", "2002:a9fe:a9fe::1"],
    ]) {
      const to = ip6(text);
      const [reset] = world.receive(world.segment({ flags: syn }, "", { from: client6, to }));
      assert.equal(readSegment(read6(reset)).flags, rst | ack, text);
      const datagram = world.datagram("x", { from: client6, to })[0] ?? assert.fail();
      const ping = ping6("x", { to: { ...host, address: to } });
      for (const sent of [datagram, ping]) {
        const [answer] = world.receive(sent);
        assert.equal(refusal(answer, sent).code, 1, text);
      }
    }
    // To a group, by the MAC address of the virtual host.
    assert.deepEqual(world.receive(ping6("x", { to: { ...host, address: ip6("ff0e::1") } })), []);
    assert.deepEqual(
      world.receive(world.segment({ flags: syn }, "", { from: client6, to: ip6("ff0e::1") })),
      [],
    );
    assert.deepEqual([world.outside, world.udpSockets, world.pings], [[], [], []]);
  });

  test("is refused from an address that no answer would reach, and to one that nobody has here", () => {
    const world = worldWith();
    for (const [from, to, code] of [
      ["2001:db8:1::7", web6, 5],
      ["fe80::7", web6, 2],
      [undefined, inNetwork("99"), 3],
    ] as const) {
      const sender = from === undefined ? client6 : { ...client, address: ip6(from) };
      const sent = ping6("x", { from: sender, to: { ...host, address: to } });
      assert.equal(refusal(world.receive(sent)[0], sent).code, code);
      // Not all systems give a connection up for such an error.
      const [reset] = world.receive(world.segment({ flags: syn }, "", { from: sender, to }));
      assert.equal(readSegment(read6(reset)).flags, rst | ack);
    }
    assert.deepEqual(
      world.receive(ping6("x", { from: { ...client, address: plan.address }, to: outside })).length,
      1,
    );
  });

  test("is told of when the host finds no way, for UDP and ping as soon as that is known", () => {
    const world = worldWith();
    world.receive(world.datagram("x", { from: client6, to: web6, port: 7, toPort: 9 })[0] ?? assert.fail());
    world.sent.length = 0;
    world.udpSockets[0]?.events.unreachable(web6, 9);
    const { icmpType, code, body, to } = read6(world.sent[0]);
    assert.deepEqual([icmpType, code, to], [1, 4, client6.address]);
    assert.deepEqual([ipv6At(body, 16), ipv6At(body, 32)], [client6.address, web6]);
    assert.deepEqual([body.readUInt16BE(48), body.readUInt16BE(50)], [7, 9]);
    world.hasNoWay = true;
    const sent = ping6("x", { to: outside });
    assert.equal(refusal(world.receive(sent)[0], sent).code, 0);
    assert.equal(world.nat.counts().ping, 0);
  });

  test("is not told more often than a session may hear it, nor about errors", () => {
    const world = worldWith("refuses");
    const datagram = () => world.datagram("x", { from: client6, to: web6 })[0] ?? assert.fail();
    const answered = (session: number) =>
      Array.from({ length: 300 }, () => world.receive(datagram(), session).length).reduce((a, b) => a + b, 0);
    assert.equal(answered(1), ipv6HostLimits.errorsEach);
    assert.equal(answered(2), ipv6HostLimits.errorsEach + 1, "it was told of the router too");
    world.now = 1_000;
    assert.deepEqual(world.receive(icmpv6(Buffer.alloc(60, 1), { from: client6, to: outside })), []);
  });

  test("has no extension headers but that of a fragment", () => {
    const world = worldWith();
    const plain = ping6("hello");
    for (const header of [0, 43, 60]) {
      const frame = Buffer.concat([
        plain.subarray(0, 54),
        Buffer.from([58, 0, 1, 4, 0, 0, 0, 0]),
        plain.subarray(54),
      ]);
      frame[14 + 6] = header;
      frame.writeUInt16BE(frame.length - 54, 14 + 4);
      assert.deepEqual(world.receive(frame), []);
    }
    assert.equal(world.receive(plain).length, 1);
  });
});

describe("a virtual host with IPv6", () => {
  test("is undisturbed by noise, in whole and in part", () => {
    const world = worldWith();
    const frames = [
      ...[solicitRouter(), solicitNeighbor(plan.address), ping6("x".repeat(30))],
      world.segment({ flags: syn, mss: 1_440 }, "", { from: client6, to: web6 }),
      ...world.datagram("x".repeat(2_000), { from: client6, to: web6 }),
    ];
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(change, { maxLength: 5 }),
        fc.nat(),
        (frame, changes, cut) => {
          const bytes = Buffer.from(frame);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          for (const answer of world.receive(bytes.subarray(0, bytes.length - (cut % 20))))
            assert.ok(answer.length >= 14 && answer.length <= 1_514);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("has addresses that follow from its MAC address alone", () => {
    const texts = [plan.address, plan.linkLocal, plan.network.first].map((address: IpAddress) =>
      formatIpAddress(address),
    );
    assert.match(texts[0] ?? "", /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::1$/);
    assert.equal(texts[1], "fe80::5c00:ff:fe00:1");
    assert.equal(texts[2], texts[0]?.slice(0, -1));
    assert.equal(allRouters.mac1, 2);
  });
});
