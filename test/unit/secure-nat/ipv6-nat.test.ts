import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { formatIpAddress } from "../../../server/ethernet/packed-address.ts";
import { pingNatLimits, tcpNatLimits, udpNatLimits } from "../../../server/limits.ts";
import { Fragments } from "../../../server/secure-nat/fragments.ts";
import { atOnce } from "../../../server/turns.ts";
import { client6, host6, inNetwork, ip6, ping6, plan, read6, web6 } from "./ipv6-client.ts";
import { client, defaultSecureNat, host, readSegment, World } from "./world.ts";

const { syn, ack, rst } = tcpFlags;
const ends = { from: client6, to: web6 };

/** A virtual host with IPv6 whose client has been told of it. */
function worldWith(): World {
  const world = new World(defaultSecureNat, "leads");
  world.nat.tick();
  world.receive(world.ping("first of its session"));
  world.take();
  return world;
}

describe("TCP by IPv6 through a NAT", () => {
  test("is a connection of the host to the same address, and carries bytes both ways", () => {
    const world = worldWith();
    world.receive(world.segment({ sequence: 10, flags: syn, mss: 1_440 }, "", ends));
    const [connection] = world.outside;
    assert.deepEqual([connection?.address, connection?.port], [web6, 80]);
    connection?.events.connected();
    const answer = read6(world.sent[0]);
    const opening = readSegment(answer);
    assert.deepEqual([opening.flags, opening.acknowledgment, opening.from], [syn | ack, 11, web6]);
    // Of 1,500 bytes, 40 and 20 are headers.
    assert.equal(answer.body.readUInt16BE(22), 1_440);
    const [taken] = world.receive(world.segment({ sequence: 11, acknowledgment: 78 }, "question", ends));
    assert.equal(readSegment(read6(taken)).acknowledgment, 19);
    assert.deepEqual(connection?.written.map(String), ["question"]);
    world.sent.length = 0;
    connection?.events.data(Buffer.from("answer"));
    assert.equal(readSegment(read6(world.sent[0])).payload, "answer");
    const [mapping] = world.nat.report().mappings;
    assert.deepEqual([mapping?.client, mapping?.remote, mapping?.sent], [client6.address, web6, 8]);
  });

  test("to port 53 of the virtual host asks a resolver, and to any other is refused", () => {
    const world = worldWith();
    for (const to of [plan.address, plan.linkLocal]) {
      world.receive(world.segment({ flags: syn }, "", { from: client6, to, toPort: 53 }));
      assert.equal(world.outside.pop()?.port, 53);
      const [reset] = world.receive(world.segment({ flags: syn }, "", { from: client6, to }));
      assert.equal(readSegment(read6(reset)).flags, rst | ack);
    }
  });

  test("is told apart from other connections by every bit of both addresses", () => {
    const world = worldWith();
    for (const to of ["2001:db8::80", "2001:db8::8080", "2001:db9::80", "2001:db8::1:80"])
      world.receive(world.segment({ flags: syn }, "", { from: client6, to: ip6(to) }));
    for (const last of ["8", "1:7", "7:0"])
      world.receive(
        world.segment({ flags: syn }, "", { ...ends, from: { ...client, address: inNetwork(last) } }),
      );
    assert.equal(world.nat.counts().tcp, 7);
  });

  test("with a checksum that is wrong is not taken", () => {
    const world = worldWith();
    const frame = world.segment({ flags: syn }, "", ends);
    frame[frame.length - 1] = (frame[frame.length - 1] ?? 0) ^ 1;
    assert.deepEqual(world.receive(frame), []);
    assert.deepEqual(world.outside, []);
  });
});

describe("what a client may have by IPv6", () => {
  const as = (each: number) => ({ ...client, address: inNetwork(each.toString(16)) });

  test("is its session's, whatever addresses it gives itself", () => {
    const world = worldWith();
    const { connecting } = tcpNatLimits;
    for (let each = 1; each <= connecting + 5; each++)
      world.receive(world.segment({ flags: syn }, "", { ...ends, from: as(each + 8) }));
    assert.deepEqual([world.outside.length, world.nat.counts().refused.connections], [connecting, 5]);
    for (let each = 1; each <= udpNatLimits.perClient + 5; each++)
      world.receive(world.datagram("x", { ...ends, from: as(each + 8) })[0] ?? assert.fail());
    assert.deepEqual(
      [world.nat.counts().udp, world.nat.counts().refused.udpPackets],
      [udpNatLimits.perClient, 5],
    );
    for (let each = 1; each <= pingNatLimits.perClient + 5; each++)
      world.receive(ping6("x", { from: as(each + 8), to: { ...host, address: web6 } }));
    assert.deepEqual(
      [world.nat.counts().ping, world.nat.counts().refused.pings],
      [pingNatLimits.perClient, 5],
    );
    const before = world.outside.length;
    world.receive(world.segment({ flags: syn }, "", { ...ends, from: as(7) }), 2);
    assert.equal(world.outside.length, before + 1, "another session has its own");
  });

  test("is given back when it ends, also after it came by another session", () => {
    const world = worldWith();
    world.receive(world.datagram("x", ends)[0] ?? assert.fail());
    world.receive(world.datagram("x", ends)[0] ?? assert.fail(), 2);
    world.receive(world.segment({ flags: syn }, "", ends), 1);
    atOnce(world.nat.close());
    const { tcp, udp } = world.nat.counts();
    assert.deepEqual([tcp, udp], [0, 0]);
    for (let port = 1; port <= udpNatLimits.perClient; port++)
      world.receive(world.datagram("x", { ...ends, port })[0] ?? assert.fail());
    assert.equal(world.nat.counts().udp, udpNatLimits.perClient);
  });
});

describe("UDP by IPv6 through a NAT", () => {
  test("goes to every address from one port, and comes back from those only", () => {
    const world = worldWith();
    world.receive(world.datagram("one", ends)[0] ?? assert.fail());
    const [socket] = world.udpSockets;
    assert.deepEqual(socket?.sent, ["one to [2001:db8::80]:53"]);
    world.sent.length = 0;
    socket?.events.message(Buffer.from("from nowhere"), ip6("2001:db8::81"), 53);
    assert.deepEqual(world.sent, []);
    socket?.events.message(Buffer.from("answer"), web6, 53);
    const { from, to, sourcePort, destinationPort, body } = read6(world.sent[0]);
    assert.deepEqual([from, to, sourcePort, destinationPort], [web6, client6.address, 53, 5_000]);
    assert.equal(body.toString("latin1", 8), "answer");
  });

  test("is put together and cut where it is longer than a frame", () => {
    const world = worldWith();
    const long = "0123456789".repeat(400);
    const frames = world.datagram(long, ends);
    assert.deepEqual(
      frames.map(({ length }) => length),
      [1_510, 1_510, 14 + 48 + 4_008 - 2 * 1_448],
    );
    for (const frame of frames.toReversed()) world.receive(frame);
    const [socket] = world.udpSockets;
    assert.deepEqual(socket?.sent, [`${long} to [2001:db8::80]:53`]);
    world.sent.length = 0;
    socket?.events.message(Buffer.from(long), web6, 53);
    const whole = new Fragments(() => 0);
    const parts = world.take().map((bytes) => {
      const frame = new Frame();
      assert.ok(frame.read(bytes, 0, bytes.length));
      return whole.add(frame, 1);
    });
    assert.deepEqual(parts.slice(0, 2), [undefined, undefined]);
    assert.equal(read6(parts[2]).body.toString("latin1", 8), long);
  });

  test("that says that it has no checksum is not taken", () => {
    const world = worldWith();
    const frame = world.datagram("x", ends)[0] ?? assert.fail();
    frame.writeUInt16BE(0, 14 + 40 + 6);
    assert.deepEqual(world.receive(frame), []);
    assert.deepEqual(world.udpSockets, []);
  });

  test("asks the resolvers where it is for port 53 of the virtual host, which answers by the address that was asked", () => {
    const world = worldWith();
    const query = Buffer.from("123401000001000000000000036162630378797a00001c0001", "hex");
    for (const address of [plan.address, plan.linkLocal]) {
      world.receive(world.datagram(query, { from: client6, to: address })[0] ?? assert.fail());
      world.sent.length = 0;
      world.questions.pop()?.answered(Buffer.from("answer of a resolver"));
      const { from, sourcePort, body } = read6(world.sent[0]);
      assert.deepEqual([from, sourcePort, body.toString("latin1", 8)], [address, 53, "answer of a resolver"]);
    }
  });

  test("asks them for names without a domain, too", () => {
    const world = worldWith();
    const group = { mac0: 0x3333, mac1: 0x1_0003, address: ip6("ff02::1:3") };
    const query = Buffer.from("123400000001000000000000037765620000010001", "hex");
    const question = { from: client6, to: group.address, mac: group, toPort: 5_355 };
    world.receive(world.datagram(query, question)[0] ?? assert.fail());
    const answer = Buffer.concat([query]);
    answer.writeUInt16BE(0x8180, 2);
    answer.writeUInt16BE(1, 6);
    world.sent.length = 0;
    world.questions[0]?.answered(answer);
    const { from, sourcePort, body } = read6(world.sent[0]);
    assert.deepEqual([from, sourcePort, body.readUInt16BE(10)], [plan.linkLocal, 5_355, 0x8000]);
  });
});

describe("a ping by IPv6 through a NAT", () => {
  test("goes on from the host by a socket of its own, and the answer comes back as it was asked for", () => {
    const world = worldWith();
    world.receive(ping6("hello", { to: { ...host, address: web6 } }));
    world.receive(world.ping("hello by IPv4", { ...host, address: 0x0808_0808 }));
    assert.equal(world.pings.length, 2);
    const [address, sequence, payload] = world.pings[0]?.sent[0] ?? assert.fail();
    assert.deepEqual([formatIpAddress(address), payload], ["2001:db8::80", "hello"]);
    world.sent.length = 0;
    world.pings[0]?.events.reply(host6.address, sequence, Buffer.from("hello"));
    assert.deepEqual(world.sent, [], "another one answers");
    world.pings[0]?.events.reply(web6, sequence, Buffer.from("hello"));
    const { icmpType, from, to, body } = read6(world.sent[0]);
    assert.deepEqual([icmpType, from, to], [129, web6, client6.address]);
    assert.equal(body.toString("latin1", 4), "\0\x05\0\x06hello");
  });
});

describe("fragments of IPv6", () => {
  test("that are as long as no packet may be end it, of IPv4 too", () => {
    for (const [from, to, headerBytes] of [
      [client6, web6, 48],
      [client, 0xcb00_7150, 20],
    ] as const) {
      const world = worldWith();
      // The last one ends where the length of the packet can still say it in IPv6.
      const parts = world.datagram("x".repeat(65_500), { from, to });
      const last = parts.at(-1) ?? assert.fail();
      const longer = Buffer.concat([last, Buffer.alloc(1_514 - last.length)]);
      longer.writeUInt16BE(longer.length - 14 - (from === client ? 0 : 40), 14 + (from === client ? 2 : 4));
      assert.ok(headerBytes > 0);
      for (const part of [...parts.slice(0, -1), longer]) assert.doesNotThrow(() => world.receive(part));
      assert.deepEqual(world.udpSockets, []);
    }
  });

  test("do not carry Neighbor Discovery, nor fragments", () => {
    const world = worldWith();
    const fragmentOf = (next: number, payload: Buffer) => {
      const plain = ping6("");
      const header = Buffer.from([next, 0, 0, 0, 0, 0, 0, 1]);
      const frame = Buffer.concat([plain.subarray(0, 54), header, payload]);
      frame[14 + 6] = 44;
      frame[14 + 7] = 255;
      frame.writeUInt16BE(8 + payload.length, 14 + 4);
      return frame;
    };
    const ping = ping6("whole in one");
    assert.equal(world.receive(fragmentOf(58, ping.subarray(54))).length, 1, "one that is the only one");
    const again = Buffer.concat([Buffer.from([58, 0, 0, 0, 0, 0, 0, 2]), ping.subarray(54)]);
    assert.deepEqual(world.receive(fragmentOf(44, again)), []);
    const solicitation = Buffer.concat([Buffer.from([133, 0, 0, 0, 0, 0, 0, 0])]);
    assert.deepEqual(world.receive(fragmentOf(58, solicitation)), []);
  });
});
