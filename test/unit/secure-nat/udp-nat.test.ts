import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { atOnce } from "../../../server/turns.ts";
import { Frame } from "../../../server/ethernet/frame.ts";
import { secureNatLimits, udpNatLimits } from "../../../server/limits.ts";
import { Fragments } from "../../../server/secure-nat/fragments.ts";
import { client, defaultSecureNat, host, ip, read, web, World } from "./world.ts";

describe("UDP through a NAT", () => {
  test("goes to every address from one port, and comes back from those only", () => {
    const world = new World();
    world.receive(world.datagram("one")[0] ?? assert.fail());
    world.receive(world.datagram("other", { to: web + 1, toPort: 123 })[0] ?? assert.fail());
    const [socket, ...more] = world.udpSockets;
    assert.ok(socket && more.length === 0);
    assert.deepEqual(socket.sent, [`one to ${web}:53`, `other to ${web + 1}:123`]);
    world.sent.length = 0;
    socket.events.message(Buffer.from("from nowhere"), web + 2, 53);
    assert.deepEqual(world.sent, []);
    socket.events.message(Buffer.from("answer"), web, 54);
    const [answer] = world.take();
    const { sourceIp3, sourcePort, destinationPort, payloadAt, packetEnd } = read(answer);
    assert.deepEqual([sourceIp3 >>> 0, sourcePort, destinationPort], [web, 54, 5_000]);
    assert.equal(answer?.toString("latin1", payloadAt, packetEnd), "answer");
  });

  test("is put together and cut where it is longer than a frame", () => {
    const world = new World();
    const long = "0123456789".repeat(400);
    const frames = world.datagram(long);
    assert.equal(frames.length, 3);
    for (const frame of frames.toReversed()) world.receive(frame);
    const [socket] = world.udpSockets;
    assert.deepEqual(socket?.sent, [`${long} to ${web}:53`]);
    world.sent.length = 0;
    socket?.events.message(Buffer.from(long), web, 53);
    assert.deepEqual(
      world.sent.map((frame) => frame.length),
      [1_514, 1_514, 14 + 20 + 4_008 - 2 * 1_480],
    );
    const whole = new Fragments(() => 0);
    const parts = world.sent.map((bytes) => {
      const frame = new Frame();
      assert.ok(frame.read(bytes, 0, bytes.length));
      return whole.add(frame, 1);
    });
    assert.deepEqual(parts.slice(0, 2), [undefined, undefined]);
    const { payloadAt, packetEnd } = read(parts[2]);
    assert.equal(parts[2]?.toString("latin1", payloadAt, packetEnd), long);
  });

  test("is forgotten when it is not used, or when another needs the room", () => {
    const world = new World();
    world.receive(world.datagram("one", { port: 1 })[0] ?? assert.fail());
    world.now = 59_999;
    world.receive(world.datagram("other", { port: 2 })[0] ?? assert.fail());
    world.now = 60_000;
    world.nat.tick();
    assert.deepEqual(
      world.udpSockets.map(({ isOpen }) => isOpen),
      [false, true],
    );
    for (let port = 3; port < 1_000; port++) world.receive(world.datagram("x", { port })[0] ?? assert.fail());
    assert.equal(world.nat.counts().udp, udpNatLimits.perClient);
    assert.equal(world.nat.counts().refused.udpPackets, 1_000 - 2 - udpNatLimits.perClient);
    for (const code of ["EMFILE", "EHOSTUNREACH"])
      world.udpSockets.pop()?.events.failed(Object.assign(new Error("no room"), { code }));
    assert.equal(
      world.nat.counts().refused.udpPackets,
      1_000 - 1 - udpNatLimits.perClient,
      "one had no socket",
    );
    atOnce(world.nat.close());
    assert.equal(world.nat.counts().udp, 0);
    assert.ok(world.udpSockets.every(({ isOpen }) => !isOpen));
  });

  test("reaches no closed address, and nothing that is damaged gets through", () => {
    const world = new World();
    world.receive(world.datagram("metadata", { to: ip("169.254.169.254"), toPort: 80 })[0] ?? assert.fail());
    const damaged = world.datagram("damaged")[0] ?? assert.fail();
    damaged[45] = (damaged[45] ?? 0) ^ 1;
    world.receive(damaged);
    world.receive(world.datagram("to nobody", { toPort: 0 })[0] ?? assert.fail());
    assert.deepEqual(world.udpSockets, []);
  });

  test("lets a client have less where the hub's options say so, with questions and pings too", () => {
    const perClient = { ...defaultSecureNat.nat.perClient, udp: 2, dns: 1, ping: 1 };
    const world = new World({ ...defaultSecureNat, nat: { ...defaultSecureNat.nat, perClient } });
    for (const port of [1, 2, 3]) {
      for (const to of [web, host.address]) {
        for (const frame of world.datagram(Buffer.alloc(12), { port, to })) world.receive(frame);
      }
      world.receive(world.ping("x", { ...host, address: web }));
    }
    assert.deepEqual([world.udpSockets.length, world.questions.length, world.nat.counts().ping], [2, 1, 1]);
  });

  test("lets go of thousands of ports a few at a time, when time is up and at the end", () => {
    const world = new World();
    const { dueAtOnce, perClient } = udpNatLimits;
    for (let each = 0; each < 4; each++) {
      const from = { ...client, address: client.address + each };
      for (let port = 1; port <= perClient; port++)
        world.receive(world.datagram("x", { port, from })[0] ?? assert.fail());
    }
    const count = 4 * perClient;
    assert.equal(world.nat.counts().udp, count);
    world.now += 3_600_000;
    assert.ok(world.nat.tick() <= world.now, "the rest is due at once");
    assert.equal(world.nat.counts().udp, count - dueAtOnce);
    const before = world.nat.counts().udp;
    const steps = world.nat.close();
    steps.next();
    assert.equal(world.nat.counts().udp, before - secureNatLimits.closedInStep);
    atOnce(steps);
    assert.equal(world.nat.counts().udp, 0);
  });
});
