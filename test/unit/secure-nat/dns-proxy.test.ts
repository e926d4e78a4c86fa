import assert from "node:assert/strict";
import { atOnce } from "../../../server/turns.ts";
import { llmnr } from "../../../server/secure-nat/dns-proxy.ts";
import type { Station } from "../../../server/secure-nat/packet-writer.ts";
import { describe, test } from "node:test";
import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { dnsProxyLimits } from "../../../server/limits.ts";
import { host, World, read, readTcp } from "./world.ts";

const { ack, rst, syn } = tcpFlags;

describe("DNS of clients", () => {
  const query = (flags: number) =>
    Buffer.from([1, 2, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
  const ask = (world: World, payload = query(1), port = 5_000) =>
    world.receive(world.datagram(payload, { port, to: host.address })[0] ?? assert.fail());

  test("is answered by the resolvers of the host, with what they say", () => {
    const world = new World();
    assert.deepEqual(ask(world), []);
    const [question] = world.questions;
    assert.equal(question?.query, query(1).toString("hex"));
    question.answered(Buffer.from("answer"));
    const [answer] = world.take();
    const { sourceIp3, sourcePort, destinationPort, payloadAt, packetEnd } = read(answer);
    assert.deepEqual([sourceIp3 >>> 0, sourcePort, destinationPort], [host.address, 53, 5_000]);
    assert.equal(answer?.toString("latin1", payloadAt, packetEnd), "answer");
    assert.equal(world.nat.counts().dns, 0);
  });

  test("that no resolver answers fails, so that the client need not wait", () => {
    const world = new World();
    ask(world);
    world.questions[0]?.answered(undefined);
    const [answer] = world.take();
    const { payloadAt, packetEnd } = read(answer);
    // With the question, without which clients take it for somebody else's.
    const question = query(1).toString("hex", 12);
    assert.equal(answer?.toString("hex", payloadAt, packetEnd), `010281820001000000000000${question}`);
  });

  test("that is cut off or more than one fails without its question", () => {
    const asked = query(1);
    const compressed = Buffer.from(asked);
    compressed[12] = 0xc0;
    const two = Buffer.from(asked);
    two[5] = 2;
    for (const payload of [
      asked.subarray(0, 18),
      asked.subarray(0, 13),
      asked.subarray(0, 12),
      compressed,
      two,
    ]) {
      const world = new World();
      ask(world, payload);
      world.questions[0]?.answered(undefined);
      const [answer] = world.take();
      const { payloadAt, packetEnd } = read(answer);
      assert.equal(answer?.toString("hex", payloadAt, packetEnd), "010281820000000000000000");
    }
  });

  test("takes no answers for questions, and no more than may be", () => {
    const world = new World();
    ask(world, query(0x81));
    ask(world, query(1).subarray(0, 11));
    assert.deepEqual(world.questions, []);
    for (let port = 1; port <= dnsProxyLimits.perClient + 5; port++) ask(world, query(1), port);
    assert.equal(world.questions.length, dnsProxyLimits.perClient);
    assert.equal(world.nat.counts().refused.questions, 5);
    atOnce(world.nat.close());
    assert.equal(world.nat.counts().dns, 0);
    assert.ok(world.questions.every(({ isGivenUp }) => isGivenUp));
  });

  test("over TCP goes to a resolver, and no other port of the host is open", () => {
    const world = new World();
    world.receive(world.segment({ flags: syn }, "", { to: host.address, toPort: 53 }));
    assert.deepEqual(
      world.outside.map(({ port }) => port),
      [53],
    );
    const [answer] = world.receive(world.segment({ flags: syn }, "", { to: host.address }));
    assert.equal(readTcp(answer).flags, rst | ack);
    assert.equal(world.outside.length, 1);
  });
});

describe("LLMNR of clients", () => {
  const group: Station<number> = { mac0: 0x0100, mac1: 0x5e00_00fc, address: llmnr.group };
  /** Header, name "a", type A. */
  const message = (flags: number, answers: number) =>
    Buffer.from([1, 2, flags >> 8, flags, 0, 1, 0, answers, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
  const ask = (world: World, to = group, toPort: number = llmnr.port) =>
    world.receive(world.datagram(message(0, 0), { to: to.address, mac: to, toPort })[0] ?? assert.fail());

  test("is answered by the resolvers of the host, without the bits that are DNS's alone", () => {
    const world = new World();
    ask(world);
    world.questions[0]?.answered(message(0x8580, 1));
    const [answer] = world.take();
    const { sourceIp3, sourcePort, payloadAt, packetEnd } = read(answer);
    assert.deepEqual([sourceIp3 >>> 0, sourcePort], [host.address, llmnr.port]);
    assert.equal(answer?.toString("hex", payloadAt, packetEnd), message(0x8000, 1).toString("hex"));
  });

  test("is not answered for a name that nobody knows", () => {
    const world = new World();
    for (const answer of [undefined, message(0x8183, 0), message(0x8180, 0), Buffer.alloc(11)]) {
      ask(world);
      world.questions.pop()?.answered(answer);
      assert.deepEqual(world.take(), []);
    }
    assert.equal(world.nat.counts().dns, 0);
  });

  test("is asked for by its port and group alone", () => {
    const world = new World();
    ask(world, group, 5_353);
    ask(world, { ...group, address: llmnr.group + 1 });
    assert.deepEqual(world.questions, []);
  });
});
