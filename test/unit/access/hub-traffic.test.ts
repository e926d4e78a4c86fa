import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HubActivity } from "../../../server/access/hub-activity.ts";
import { VirtualHubs } from "../../../server/access/virtual-hubs.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import type { HubStatistics } from "../../../server/hub/statistics.ts";
import { TestHub, TestPort } from "../hub/hub-fixture.ts";
import { broadcastMac, ethernet, mac } from "../hub/frames.ts";

const toAll = (from: number) => ethernet(broadcastMac, mac(from));

describe("the traffic of a hub", () => {
  const count = { broadcastBytes: 0, broadcastCount: 0, unicastBytes: 0, unicastCount: 7 };
  const former: HubStatistics = {
    ...new HubActivity(0).statistics([], new TestHub().hub.counters),
    traffic: { received: count, sent: count },
  };

  const start = () => {
    const test = new TestHub();
    const hubs = new VirtualHubs({
      createHub: () => test.hub,
      createLog: () => ({ security: () => {}, packet: () => {} }),
      unixNow: () => 0,
      formerStatistics: () => former,
    });
    hubs.apply([createHubSettings("TEST")]);
    return { test, hubs };
  };

  test("is that of all of its ports, the virtual host and bridges among them, and stays when they go", () => {
    const { test, hubs } = start();
    const traffic = () => hubs.statistics("TEST").traffic;
    const ports = (["session", "secure-nat", "local-bridge"] as const).map((kind) =>
      test.attach(new TestPort(kind, { kind })),
    );
    for (const [index, port] of ports.entries()) port.send(toAll(index + 1));
    assert.deepEqual([traffic().received.broadcastCount, traffic().sent.broadcastCount], [3, 6]);
    for (const { attachment } of ports) attachment.detach();
    assert.deepEqual([traffic().received.broadcastCount, traffic().sent.broadcastCount], [3, 6]);
  });

  test("goes on from what it was before the server started", () => {
    const { hubs } = start();
    assert.equal(hubs.statistics("TEST").traffic.received.unicastCount, 7);
  });

  test("of a session counts once, also when it has ended, and for its user", () => {
    const { test, hubs } = start();
    const live = hubs.find("TEST") ?? assert.fail();
    const user = { name: "alice", group: undefined };
    const { attachment, send } = test.plug("alice");
    send(toAll(1));
    live.activity.ended({ user, counters: attachment.counters }, 0);
    attachment.detach();
    const { traffic, users } = hubs.statistics("TEST");
    assert.equal(traffic.received.broadcastCount, 1);
    assert.equal(users.get("alice")?.traffic.received.broadcastCount, 1);
  });

  test("of thousands of sessions is counted for their users in steps", () => {
    const { counters } = new TestHub().hub;
    const sessions = Array.from({ length: 4_096 }, (_, index) => ({
      user: { name: `user${index % 3_000}`, group: undefined },
      counters: { ...counters, received: { ...counters.received, unicastFrames: 1 } },
    }));
    const activity = new HubActivity(0);
    for (const { user } of sessions) activity.began(user.name, 1);
    const statistics = activity.statistics(sessions, counters);
    let steps = 1;
    for (const step = statistics.count?.(); step?.next().done === false;) steps++;
    assert.ok(steps > 8, `${steps} steps`);
    assert.equal(statistics.users.get("user7")?.traffic.received.unicastCount, 2);
    assert.equal(statistics.users.get("user2999")?.traffic.received.unicastCount, 1);
    assert.equal(statistics.users, statistics.users);
  });
});
