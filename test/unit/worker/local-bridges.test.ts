import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { VirtualHubs } from "../../../server/access/virtual-hubs.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";
import {
  createLocalBridge,
  type LocalBridgeSettings,
} from "../../../server/settings/local-bridge-settings.ts";
import { LocalBridges } from "../../../server/worker/local-bridges.ts";
import { block, TestHub, TestPort } from "../hub/hub-fixture.ts";
import { FakePacketDevice } from "../packet-device/fake-packet-device.ts";

const [one, other] = [createHubSettings("ONE"), createHubSettings("OTHER")];
const eth = createLocalBridge("one", "eth1", undefined);
const tap = createLocalBridge("OTHER", "vpn", Uint8Array.of(0x5e, 0, 0, 0, 0, 1));
const frame = Buffer.concat([Buffer.from("ffffffffffff02000000000188b5", "hex"), Buffer.alloc(46)]);

/** A host whose interfaces the test says. */
class Scene {
  readonly lines: string[] = [];
  readonly devices: FakePacketDevice[] = [];
  readonly missing = new Set<string>();
  readonly timers: (() => void)[] = [];
  readonly hubs = new VirtualHubs({
    createHub: (settings) => new TestHub(settings).hub,
    createLog: () => ({ security: (line) => this.lines.push(line), packet: () => {} }),
    unixNow: () => 0,
  });
  readonly bridges = new LocalBridges({
    hubs: this.hubs,
    open: (bridge, events) => {
      if (this.missing.has(bridge.deviceName)) throw new Error("ENODEV: ioctl a UDP socket");
      return FakePacketDevice.opener(this.devices)(bridge.deviceName, events);
    },
    schedule: (callback, delayMs) => {
      assert.equal(delayMs, 1_000);
      this.timers.push(callback);
      return () => void this.timers.splice(this.timers.indexOf(callback), 1);
    },
  });

  async apply(bridges: readonly LocalBridgeSettings[], hubs: readonly HubSettings[] = [one, other]) {
    this.hubs.apply(hubs);
    this.lines.splice(0);
    await this.bridges.apply(bridges, hubs);
  }

  second(): void {
    for (const callback of this.timers.splice(0)) callback();
  }

  states() {
    return this.bridges.states().map(({ online, active, problem }) => ({ online, active, problem }));
  }

  ports(hubName: string): string[] {
    return [...(this.hubs.find(hubName)?.hub.ports() ?? [])].map(({ port }) => port.name);
  }
}

const [working, offline] = [
  { online: true, active: true, problem: undefined },
  { online: false, active: false, problem: undefined },
];
let scene: Scene;
beforeEach(() => (scene = new Scene()));

describe("local bridges", () => {
  test("plug each interface into its hub, and frames go through", async () => {
    await scene.apply([eth, tap]);
    assert.deepEqual(scene.states(), [working, working]);
    assert.deepEqual(
      [scene.ports("ONE"), scene.ports("OTHER")],
      [["SID-LOCALBRIDGE-1"], ["SID-LOCALBRIDGE-1"]],
    );
    const [device] = scene.devices;
    const hub = scene.hubs.find("ONE")?.hub;
    assert.ok(device && hub);
    const session = new TestPort("alice");
    const attachment = hub.attach(session);
    device.receive(block(frame));
    assert.deepEqual(session.take(), [frame]);
    const answer = block(frame);
    attachment.forward(answer, 0, answer.length);
    assert.deepEqual(device.sent, [block(frame)]);
    const [{ port } = { port: undefined }] = hub.ports();
    assert.deepEqual([port?.user.name, port?.kind], ["Local Bridge", "local-bridge"]);
    assert.equal(port?.policy.NoBroadcastLimiter, true);
  });

  test("stay as they are when others come and go", async () => {
    await scene.apply([eth]);
    await scene.apply([eth, tap]);
    await scene.apply([eth]);
    assert.deepEqual(
      scene.devices.map(({ name, isOpen }) => [name, isOpen]),
      [
        ["eth1", true],
        ["vpn", false],
      ],
    );
    assert.deepEqual(scene.ports("OTHER"), []);
  });

  test("begin with an interface when whoever had it before has let it go", async () => {
    await scene.apply([tap]);
    const [former] = scene.devices;
    const released = Promise.withResolvers<void>();
    assert.ok(former);
    former.released = released.promise;
    const changed = scene.apply([{ ...tap, limitsBroadcasts: !tap.limitsBroadcasts }]);
    await Promise.resolve();
    assert.deepEqual([former.isOpen, scene.devices.length, scene.states()], [false, 1, [offline]]);
    released.resolve();
    await changed;
    assert.deepEqual([scene.devices.length, scene.states()], [2, [working]]);
  });

  test("are what the last of several changes says, which come while an interface goes", async () => {
    await scene.apply([tap]);
    const released = Promise.withResolvers<void>();
    const [former] = scene.devices;
    assert.ok(former);
    former.released = released.promise;
    const changed = { ...tap, limitsBroadcasts: !tap.limitsBroadcasts };
    const changes = [scene.apply([]), scene.apply([changed, eth]), scene.apply([changed])];
    await Promise.resolve();
    assert.equal(scene.devices.length, 1);
    released.resolve();
    await Promise.all(changes);
    assert.deepEqual(
      scene.devices.map(({ name, isOpen }) => [name, isOpen]),
      [
        ["vpn", false],
        ["vpn", true],
      ],
    );
    assert.deepEqual(scene.states(), [working]);
  });

  test("do not begin any more when all end meanwhile", async () => {
    await scene.apply([tap]);
    const released = Promise.withResolvers<void>();
    const [former] = scene.devices;
    assert.ok(former);
    former.released = released.promise;
    const changed = scene.apply([eth]);
    const closed = scene.bridges.close();
    released.resolve();
    await Promise.all([changed, closed]);
    assert.deepEqual([scene.devices.length, scene.states(), scene.timers], [1, [], []]);
  });

  test("follow their hub: it is offline, is deleted, is made anew, or is not there yet", async () => {
    await scene.apply([eth]);
    await scene.apply([eth], [{ ...one, online: false }]);
    assert.deepEqual(scene.states(), [offline]);
    assert.deepEqual(scene.ports("ONE"), []);
    assert.equal(scene.devices[0]?.isOpen, false);
    await scene.apply([eth]);
    assert.deepEqual(scene.states(), [working]);
    await scene.apply([eth], [other]);
    assert.deepEqual(scene.states(), [offline]);
    await scene.apply([eth]);
    assert.deepEqual(scene.states(), [working]);
    assert.deepEqual(scene.ports("ONE"), ["SID-LOCALBRIDGE-1"]);
    assert.deepEqual(
      scene.devices.map(({ isOpen }) => isOpen),
      [false, false, true],
    );
  });

  test("look each second whether the interface still has its name, and go on with the one that has", async () => {
    await scene.apply([eth]);
    scene.second();
    assert.deepEqual(scene.states(), [working]);
    const [former] = scene.devices;
    assert.ok(former);
    former.problem = new Error("ENODEV: ioctl a UDP socket");
    scene.missing.add("eth1");
    scene.second();
    scene.second();
    assert.deepEqual(scene.states(), [
      { online: true, active: false, problem: "ENODEV: ioctl a UDP socket" },
    ]);
    assert.equal(former.isOpen, false);
    scene.missing.clear();
    scene.second();
    assert.deepEqual(scene.states(), [working]);
    assert.equal(scene.devices.at(-1)?.isOpen, true);
    assert.equal(scene.timers.length, 1);
    await scene.bridges.close();
    assert.equal(scene.timers.length, 0);
  });

  test("try each second for an interface that is not there, and tell why once", async () => {
    scene.missing.add("eth1");
    await scene.apply([eth]);
    const missing = { online: true, active: false, problem: "ENODEV: ioctl a UDP socket" };
    for (let second = 0; second < 3; second++) {
      assert.deepEqual(scene.states(), [missing]);
      scene.second();
    }
    assert.deepEqual(scene.lines, ['The local bridge with "eth1" failed: ENODEV: ioctl a UDP socket.']);
    scene.missing.clear();
    scene.second();
    assert.deepEqual(scene.states(), [working]);
    assert.deepEqual(scene.lines.slice(1), ['The local bridge with "eth1" began.']);
    // No number is used up by what did not come about.
    assert.deepEqual(scene.ports("ONE"), ["SID-LOCALBRIDGE-1"]);
  });

  test("come back with an interface that was deleted and made again", async () => {
    await scene.apply([eth]);
    scene.devices[0]?.vanish(new Error("ENETDOWN: recvmmsg a packet socket"));
    assert.deepEqual(scene.states(), [
      { online: true, active: false, problem: "ENETDOWN: recvmmsg a packet socket" },
    ]);
    assert.deepEqual(scene.ports("ONE"), []);
    scene.second();
    assert.deepEqual(scene.states(), [working]);
    assert.deepEqual(scene.ports("ONE"), ["SID-LOCALBRIDGE-2"]);
  });

  test("that are deleted while they wait try no more", async () => {
    scene.missing.add("eth1");
    await scene.apply([eth]);
    await scene.apply([]);
    assert.deepEqual([scene.timers, scene.states()], [[], []]);
    await scene.apply([eth, tap]);
    await scene.bridges.close();
    assert.deepEqual(scene.timers, []);
    assert.ok(scene.devices.every(({ isOpen }) => !isOpen));
    await scene.bridges.apply([tap], [other]);
    assert.deepEqual(scene.ports("OTHER"), []);
  });
});
