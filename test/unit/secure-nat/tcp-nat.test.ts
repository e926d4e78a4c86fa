import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { atOnce } from "../../../server/turns.ts";
import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { secureNatLimits, tcpLimits, tcpNatLimits } from "../../../server/limits.ts";
import { TcpConnection } from "../../../server/tcp/tcp-connection.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";
import { ip, defaultSecureNat, web, World, readTcp, established } from "./world.ts";

const { ack, rst, syn } = tcpFlags;

describe("TCP through a NAT", () => {
  test("is answered when the other end has answered, and carries bytes both ways", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.segment({ sequence: 10, flags: syn })), []);
    const [connection] = world.outside;
    assert.deepEqual([connection?.address, connection?.port], [web, 80]);
    assert.deepEqual(world.receive(world.segment({ sequence: 10, flags: syn })), []);
    assert.equal(world.outside.length, 1);
    connection?.events.connected();
    assert.deepEqual(readTcp(world.sent[0]), {
      from: web,
      sourcePort: 80,
      destinationPort: 50_000,
      flags: syn | ack,
      sequence: 77,
      acknowledgment: 11,
      payload: "",
    });
    const [answer] = world.receive(world.segment({ sequence: 11, acknowledgment: 78 }, "question"));
    assert.equal(readTcp(answer).acknowledgment, 19);
    assert.deepEqual(connection?.written.map(String), ["question"]);
    world.sent.length = 0;
    connection?.events.data(Buffer.from("answer"));
    assert.equal(readTcp(world.sent[0]).payload, "answer");
  });

  test("goes out in one piece for a turn, once it is known how much comes in one", () => {
    const world = new World();
    const connection = established(world);
    const said: string[] = [];
    const writes: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      for (let left = 40; left > 0; left--) {
        const payload = String.fromCharCode(97 + turn + (left % 10)).repeat(1_400);
        const header = { sequence: 11 + said.length * 1_400, acknowledgment: 78 };
        const frame = world.segment(header, payload);
        world.nat.receive(frame, 0, frame.length, 1);
        said.push(payload);
      }
      world.nat.turnEnded(() => false);
      for (const done of connection.done) done();
      writes.push(connection.done.splice(0).length);
    }
    assert.ok(connection.written.map(String).join("") === said.join(""), "other bytes than the client sent");
    assert.deepEqual(writes, [6, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("is refused as the other end refuses it, and where clients may not go", () => {
    const world = new World();
    world.receive(world.segment({ sequence: 10, flags: syn }));
    world.outside[0]?.events.failed(new Error("ECONNREFUSED"));
    assert.deepEqual([readTcp(world.sent[0]).flags, readTcp(world.sent[0]).acknowledgment], [rst | ack, 11]);
    assert.deepEqual([world.nat.counts().tcp, world.nat.counts().refused.connections], [0, 0]);
    world.receive(world.segment({ sequence: 10, flags: syn }));
    world.outside.pop()?.events.failed(Object.assign(new Error("no room"), { code: "EMFILE" }));
    assert.equal(world.nat.counts().refused.connections, 1, "what the host has no socket for");
    for (const address of [
      "127.0.0.1",
      "127.255.255.255",
      "169.254.169.254",
      "0.0.0.0",
      "224.0.0.1",
      "255.255.255.255",
    ]) {
      const [answer] = world.receive(world.segment({ flags: syn }, "", { to: ip(address) }));
      assert.equal(readTcp(answer).flags, rst | ack, address);
    }
    assert.equal(world.outside.length, 1);
    assert.ok(
      ["126.255.255.255", "128.0.0.0", "169.253.0.1", "223.255.255.255", "10.0.0.1"]
        .map(ip)
        .every((address) => isReachable(address, [])),
    );
  });

  test("of which nothing is known is reset, and a reset is not answered", () => {
    const world = new World();
    const [answer] = world.receive(world.segment({ sequence: 5, acknowledgment: 900 }, "hello?"));
    assert.deepEqual([readTcp(answer).flags, readTcp(answer).sequence], [rst, 900]);
    assert.deepEqual(world.receive(world.segment({ flags: rst })), []);
  });

  test("reads no more from an end than the other takes", () => {
    const world = new World();
    const connection = established(world);
    connection.events.data(Buffer.alloc(tcpLimits.receiveBytes));
    assert.deepEqual(connection.calls, []);
    connection.events.data(Buffer.alloc(1));
    connection.events.data(Buffer.alloc(1));
    assert.deepEqual(connection.calls, ["pause"]);
    let acknowledgment = 78;
    while (connection.calls.length === 1) {
      acknowledgment += 536;
      world.receive(world.segment({ sequence: 11, acknowledgment }));
    }
    assert.deepEqual(connection.calls, ["pause", "resume"]);
    assert.ok(acknowledgment >= 78 + tcpLimits.receiveBytes / 2);
  });

  test("has less room on each connection the more there are", () => {
    const world = new World();
    const first = established(world);
    first.events.data(Buffer.alloc(50_000));
    assert.deepEqual(first.calls, []);
    for (let port = 1; port < tcpNatLimits.perClient; port++) {
      world.receive(world.segment({ flags: syn }, "", { port }));
      if (port > 1) world.outside.at(-1)?.events.connected();
    }
    first.events.data(Buffer.alloc(1));
    assert.deepEqual(first.calls, ["pause"]);
    world.take();
    world.outside[1]?.events.connected();
    const [answer] = world.take();
    assert.equal(answer?.readUInt16BE(14 + 20 + 14), tcpNatLimits.leastBytes);
  });

  test("ends on one side as it does on the other", () => {
    const world = new World();
    const connection = established(world);
    world.receive(world.segment({ sequence: 11, acknowledgment: 78, flags: ack | tcpFlags.fin }, "last"));
    assert.deepEqual([connection.written.map(String), connection.calls], [["last"], ["end"]]);
    world.sent.length = 0;
    connection.events.data(Buffer.from("bye"));
    connection.events.ended();
    assert.deepEqual(
      world.sent.map((frame) => readTcp(frame).flags & tcpFlags.fin),
      [0, tcpFlags.fin],
    );
    world.receive(world.segment({ sequence: 16, acknowledgment: 82 }));
    assert.equal(world.nat.counts().tcp, 0);
    // What it was given may not have left yet: it closes by itself.
    assert.deepEqual(connection.calls, ["end"]);
  });

  test("that the client resets, or that is given up, is dropped outside", () => {
    const world = new World();
    const reset = established(world);
    world.receive(world.segment({ sequence: 11, flags: rst }));
    assert.deepEqual(reset.calls, ["destroy"]);
    const silent = established(world);
    silent.events.data(Buffer.from("anybody there?"));
    for (; world.now < 600_000 && world.nat.counts().tcp > 0; world.now += 50) world.nat.tick();
    assert.deepEqual(silent.calls, ["destroy"]);
  });

  test("costs nothing while nothing of it is due, however many there are", (t) => {
    const world = new World();
    const count = 400;
    for (let index = 0; index < count; index++) {
      world.receive(world.segment({ sequence: 10, flags: syn }, "", { port: 1_024 + index }));
      world.outside.at(-1)?.events.connected();
    }
    assert.equal(world.nat.counts().tcp, count);
    const looks = t.mock.getter(TcpConnection.prototype, "deadline");
    const due = world.nat.tick();
    assert.ok(due > world.now && due < Infinity);
    assert.equal(looks.mock.callCount(), 0);
    world.sent.length = 0;
    world.now = due;
    world.nat.tick();
    assert.equal(world.sent.length, Math.min(count, tcpNatLimits.dueAtOnce), "as many as there are at once");
  });

  test("on which nobody says anything for half an hour ends, although the client is there", () => {
    const world = new World();
    const connection = established(world);
    const idleMs = defaultSecureNat.nat.tcpTimeoutSeconds * 1_000;
    for (; world.now <= idleMs; world.now += 5_000) {
      world.sent.length = 0;
      world.nat.tick();
      if (world.sent.length > 0) world.receive(world.segment({ sequence: 11, acknowledgment: 78 }));
      assert.equal(world.nat.counts().tcp, 1);
    }
    world.nat.tick();
    assert.equal(world.nat.counts().tcp, 0);
    assert.deepEqual(connection.calls, ["destroy"]);
  });

  test("has a bound, behind which the next one is refused", () => {
    const world = new World();
    const open = (port: number) => world.receive(world.segment({ flags: syn }, "", { port }));
    const refusal = (port: number) => readTcp(open(port)[0]).flags;
    for (let port = 1; port <= tcpNatLimits.connecting; port++) assert.deepEqual(open(port), []);
    assert.equal(refusal(60_000), rst | ack);
    for (const { events } of world.outside) events.connected();
    for (let port = tcpNatLimits.connecting + 1; port <= tcpNatLimits.perClient; port++) {
      assert.deepEqual(open(port), []);
      world.outside.at(-1)?.events.connected();
    }
    assert.equal(refusal(60_001), rst | ack);
    assert.equal(world.nat.counts().refused.connections, 2);
    atOnce(world.nat.close());
    assert.equal(world.nat.counts().tcp, 0);
    assert.ok(world.outside.every(({ calls }) => calls.join() === "destroy"));
    // All that was counted of the client is counted back.
    const later = world.outside.length;
    for (let port = 1; port <= tcpNatLimits.connecting; port++) open(port);
    assert.equal(world.outside.length, later + tcpNatLimits.connecting);
  });

  test("lets a client have less where the hub's options say so", () => {
    const perClient = { ...defaultSecureNat.nat.perClient, tcp: 3, connecting: 2 };
    const world = new World({ ...defaultSecureNat, nat: { ...defaultSecureNat.nat, perClient } });
    const open = (port: number) => world.receive(world.segment({ flags: syn }, "", { port }));
    const refusal = (port: number) => readTcp(open(port)[0]).flags;
    for (const port of [1, 2]) assert.deepEqual(open(port), []);
    assert.equal(refusal(3), rst | ack);
    for (const { events } of world.outside) events.connected();
    world.take();
    assert.deepEqual(open(4), []);
    assert.equal(refusal(5), rst | ack);
  });

  test("that is over makes room for another one of the client", () => {
    const perClient = { ...defaultSecureNat.nat.perClient, tcp: 2 };
    const world = new World({ ...defaultSecureNat, nat: { ...defaultSecureNat.nat, perClient } });
    const connection = established(world);
    connection.events.ended();
    world.receive(world.segment({ sequence: 11, acknowledgment: 79, flags: ack | tcpFlags.fin }));
    const states = () => world.nat.report().mappings.map(({ state }) => state);
    assert.deepEqual(states(), ["time-wait"]);
    const open = (port: number) => world.receive(world.segment({ flags: syn }, "", { port }));
    assert.deepEqual([...open(1), ...open(2)], []);
    assert.deepEqual(states(), ["connecting", "connecting"]);
    assert.equal(readTcp(open(3)[0]).flags, rst | ack);
    assert.deepEqual([world.nat.counts().tcp, world.nat.counts().refused.connections], [2, 1]);
  });

  test("ends in steps, and takes nothing more meanwhile", () => {
    const world = new World();
    const { closedInStep } = secureNatLimits;
    const count = 3 * closedInStep;
    const begin = (port: number) => world.receive(world.segment({ sequence: 1, flags: syn }, "", { port }));
    for (let port = 1; port <= count; port++) begin(port);
    const steps = world.nat.close();
    steps.next();
    assert.equal(world.nat.counts().tcp, count - closedInStep);
    begin(count + 1);
    assert.equal(world.nat.counts().tcp, count - closedInStep);
    atOnce(steps);
    assert.equal(world.nat.counts().tcp, 0);
  });
});
