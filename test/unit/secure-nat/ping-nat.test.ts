import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { atOnce } from "../../../server/turns.ts";
import { pingNatLimits } from "../../../server/limits.ts";
import { ip, host, web, World, read } from "./world.ts";

describe("a ping through a NAT", () => {
  const outside = { ...host, address: web };

  test("goes on from the host under a number of its own, and the answer comes back as it was asked for", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.ping("one", outside, [5, 6])), []);
    assert.deepEqual(world.receive(world.ping("two", outside, [9, 6])), []);
    const [ping] = world.pings;
    assert.equal(world.pings.length, 1);
    assert.equal(world.nat.counts().ping, 2);
    const [first, second] = ping?.sent ?? [];
    assert.ok(ping && first && second);
    assert.deepEqual([first[0], first[2], second[2]], [web, "one", "two"]);
    // Another address answers, or nobody was asked.
    ping.events.reply(web + 1, second[1], Buffer.from("two"));
    ping.events.reply(web, 40_000, Buffer.from("two"));
    assert.equal(world.sent.length, 0);
    // Once, however often it comes.
    for (let times = 0; times < 2; times++) ping.events.reply(web, second[1], Buffer.from("two"));
    const [answer, ...others] = world.sent;
    assert.equal(others.length, 0);
    const { icmpType, sourceIp3, transportAt, packetEnd } = read(answer);
    assert.deepEqual([icmpType, sourceIp3 >>> 0], [0, web]);
    assert.equal(answer?.toString("hex", transportAt + 4, transportAt + 8), "00090006");
    assert.equal(answer?.toString("latin1", transportAt + 8, packetEnd), "two");
    atOnce(world.nat.close());
    assert.equal(ping.isOpen, false);
  });

  test("is bounded, given up after a while, and reaches no closed address", () => {
    const world = new World();
    assert.deepEqual(world.receive(world.ping("x", { ...host, address: ip("169.254.169.254") })), []);
    assert.equal(world.pings.length, 0);
    for (let count = 0; count < pingNatLimits.perClient + 5; count++) world.receive(world.ping("x", outside));
    assert.equal(world.pings[0]?.sent.length, pingNatLimits.perClient);
    assert.equal(world.nat.counts().refused.pings, 5);
    world.now += pingNatLimits.timeoutMs;
    world.nat.tick();
    assert.equal(world.nat.counts().ping, 0);
    world.receive(world.ping("x", outside));
    assert.equal(world.pings[0].sent.length, pingNatLimits.perClient + 1);
  });

  test("waits for a host that does not let anybody ask, and asks it again once a second", () => {
    const world = new World();
    world.mayPing = false;
    world.receive(world.ping("x", outside));
    world.mayPing = true;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings.length, 0);
    world.now += 1_000;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings[0]?.sent.length, 1);
    world.pings[0].events.failed(new Error("gone"));
    world.now += 1_000;
    world.receive(world.ping("x", outside));
    assert.equal(world.pings.length, 2);
  });
});
