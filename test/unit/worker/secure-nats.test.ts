import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { VirtualHubs } from "../../../server/access/virtual-hubs.ts";
import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import type { KernelWay, WayOptions } from "../../../server/host-nat/host-nat-way.ts";
import { Hub } from "../../../server/hub/hub.ts";
import { kernelNatLimits } from "../../../server/limits.ts";
import type { NatEntry } from "../../../server/secure-nat/nat-entry.ts";
import type { Outside } from "../../../server/secure-nat/outside.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";
import type { RunningSecureNat } from "../../../server/worker/secure-nat/running-secure-nat.ts";
import { SecureNats } from "../../../server/worker/secure-nat/secure-nats.ts";
import { createFreeTime } from "../hub/free-time.ts";
import { block, TestPort } from "../hub/hub-fixture.ts";

const network = parseIpv4Network("198.18.0.0/20") ?? assert.fail();
const nobody = () => assert.fail("nobody was to go outside");
const outside: Outside = {
  connectTcp: nobody,
  connectDns: nobody,
  queryDns: nobody,
  openUdp: nobody,
  openPing: nobody,
};

function hubWith(nat: Partial<HubSettings["secureNat"]["nat"]> = {}, name = "ONE"): HubSettings {
  const hub = createHubSettings(name);
  return {
    ...hub,
    secureNat: { ...hub.secureNat, enabled: true, nat: { ...hub.secureNat.nat, ...nat } },
  };
}

/** A host whose kernel can or cannot, as the test says. */
class Scene {
  now = 0;
  /** Why the kernel cannot. */
  problem: string | undefined;
  /** Why packets do not get out any more. */
  checked: string | undefined;
  readonly lines: string[] = [];
  readonly opened: WayOptions[] = [];
  closed = 0;
  readonly kernel: { refused: number; problem: string | undefined } = { refused: 0, problem: undefined };
  connections: KernelWay["connections"] = () =>
    Promise.resolve({ counts: { tcp: 0, udp: 0, ping: 0 }, entries: () => [] });
  readonly running = new Map<string, RunningSecureNat>();
  readonly hubs = new VirtualHubs({
    createHub: (settings, log) =>
      new Hub({
        ...{ settings, log, now: () => 1_000_000, random: () => 0.5, schedule: () => () => {} },
        time: createFreeTime((callback) => void setImmediate(callback)),
      }),
    createLog: () => ({ security: (line) => this.lines.push(line), packet: () => {} }),
    unixNow: () => 0,
  });
  readonly nats = new SecureNats({
    hubs: this.hubs,
    running: this.running,
    leases: new Map(),
    createOutside: () => outside,
    openKernel: (options) => this.#open(options),
    now: () => this.now,
    warn: assert.fail,
  });

  /** How many were asked for before one was there. */
  asked = 0;
  mostAsked = 0;
  /** How many were to close before one was closed. */
  closing = 0;
  mostClosing = 0;

  async #open(options: WayOptions): Promise<KernelWay> {
    this.mostAsked = Math.max(this.mostAsked, ++this.asked);
    await Promise.resolve();
    this.asked--;
    if (this.problem !== undefined) return Promise.reject(new Error(this.problem));
    this.opened.push(options);
    return Promise.resolve(
      Object.assign(this.kernel, {
        network,
        description: "vpnnat0",
        send: () => {},
        connections: () => this.connections(),
        check: () => Promise.resolve(this.checked),
        close: async () => {
          this.mostClosing = Math.max(this.mostClosing, ++this.closing);
          await Promise.resolve();
          this.closing--;
          this.closed++;
        },
      }),
    );
  }

  async apply(...hubs: readonly HubSettings[]): Promise<void> {
    this.hubs.apply(hubs);
    await this.nats.apply(hubs);
  }

  /** Who translates for a hub, and why. */
  way(name = "one") {
    const { way, reason } = this.running.get(name) ?? assert.fail("does not run");
    return reason === undefined ? way : `${way}: ${reason}`;
  }
}

describe("who translates for a hub", () => {
  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => scene.nats.close());

  test("tells the hub's log what the kernel turned away, once", async () => {
    await scene.apply(hubWith());
    scene.lines.length = 0;
    scene.kernel.refused = 3;
    for (let look = 0; look < 2; look++) scene.running.get("one")?.logRefused();
    assert.deepEqual(scene.lines, [
      "SecureNAT: refused 3 packets that would begin a connection in the last minute, since there were too many.",
    ]);
    assert.deepEqual(scene.opened[0]?.perClient, hubWith().secureNat.nat.perClient);
  });

  test("tells the hub's log what there was too much of, each kind by its name", async (t) => {
    await scene.apply(hubWith({ byKernel: false }));
    scene.lines.length = 0;
    const running = scene.running.get("one") ?? assert.fail();
    const counts = running.nat.counts();
    let refused = { connections: 0, udpPackets: 7, questions: 2, pings: 1 };
    t.mock.method(running.nat, "counts", () => ({ ...counts, refused }));
    for (let look = 0; look < 2; look++) running.logRefused();
    refused = { ...refused, connections: 4 };
    running.logRefused();
    const end = "in the last minute, since there were too many.";
    assert.deepEqual(scene.lines, [
      `SecureNAT: refused 7 UDP packets, 2 questions for names, 1 echo requests ${end}`,
      `SecureNAT: refused 4 TCP connections ${end}`,
    ]);
  });

  test("is the kernel where it can, and the hub's log says so", async () => {
    await scene.apply(hubWith());
    assert.equal(scene.way(), "kernel");
    assert.deepEqual(scene.lines.slice(1), [
      "SecureNAT: addresses are translated by the host's kernel (vpnnat0). IPv6 is translated by the server.",
    ]);
    await scene.nats.close();
    assert.deepEqual([scene.closed, scene.running.size], [1, 0]);
  });

  test("is the server where it cannot, with the reason", async () => {
    scene.problem = "no nft";
    await scene.apply(hubWith());
    assert.equal(scene.way(), "user: no nft");
    assert.deepEqual(scene.lines.slice(1), [
      "SecureNAT: addresses are translated by the server, since the kernel cannot: no nft. IPv6 is translated by the server.",
    ]);
  });

  test("is whom the settings let, and nobody otherwise", async () => {
    await scene.apply(hubWith({ byKernel: false }));
    assert.deepEqual([scene.way(), scene.opened.length], ["user", 0]);
    await scene.apply(hubWith({ enabled: false }));
    assert.deepEqual([scene.way(), scene.opened.length], ["off", 0]);
    assert.deepEqual(scene.nats.warnings(), []);
    await scene.apply(hubWith({ byKernel: false, bySockets: false }));
    assert.equal(scene.way(), "off");
    assert.match(
      scene.nats.warnings().join(),
      /^SecureNAT of hub ONE leads nowhere: the hub's options forbid/,
    );
    scene.problem = "no nft";
    await scene.apply(hubWith({ bySockets: false }));
    assert.equal(scene.way(), "off: no nft");
    assert.deepEqual(scene.nats.warnings(), ["SecureNAT of hub ONE leads nowhere: no nft"]);
  });

  test("warns where the kernel begins no new connections for it, and leaves it with the kernel", async () => {
    await scene.apply(hubWith());
    scene.kernel.problem = "the table is full";
    await scene.nats.look();
    assert.equal(scene.way(), "kernel");
    assert.deepEqual(scene.nats.warnings(), [
      "SecureNAT of hub ONE begins no new connections: the table is full",
    ]);
    scene.kernel.problem = undefined;
    assert.deepEqual(scene.nats.warnings(), []);
  });

  test("tells what it follows, with the addresses that clients have", async () => {
    await scene.apply(hubWith());
    const running = scene.running.get("one") ?? assert.fail();
    // Of a client that has sent something, and of one that has made room for another.
    const entry: Omit<NatEntry<number>, "client"> = {
      ...{ protocol: "tcp", clientPort: 50_000, remote: 0xcb00_7150, remotePort: 443, state: "established" },
      ...{ createdAt: 0, usedAt: 5, sent: 0, received: 0 },
    };
    const addresses = new Map([[0xc612_0e32, 0xc0a8_1e32]]);
    running.nat.clientOfKernel = (outer) => addresses.get(outer);
    scene.connections = () =>
      Promise.resolve({
        counts: { tcp: 2, udp: 3, ping: 4 },
        entries: () => [0xc612_0e32, 0xc612_0e33].map((client) => ({ ...entry, client })),
      });
    const { counts, mappings } = (await running.report().kernel?.()) ?? assert.fail();
    assert.deepEqual(
      [counts, [...mappings]],
      [{ tcp: 2, udp: 3, ping: 4 }, [{ ...entry, client: 0xc0a8_1e32 }]],
    );
    assert.equal(await running.tcpConnections(), 2);
    // The host has so many that it takes long.
    scene.connections = () => new Promise(() => {});
    assert.equal(await running.tcpConnections(), 0);
    scene.connections = () => Promise.reject(new Error("EPERM"));
    assert.equal(await running.tcpConnections(), 0);
    await assert.rejects(running.report().kernel?.() ?? Promise.resolve(), /EPERM/);
    await scene.apply(hubWith({ byKernel: false }));
    assert.equal(scene.running.get("one")?.report().kernel, undefined);
  });

  test("is asked for by all hubs of a change at once, when they begin, are tried again and end", async () => {
    const hubs = Array.from({ length: 100 }, (_, index) => hubWith({}, `HUB${index}`));
    scene.problem = "no nft";
    await scene.apply(...hubs);
    assert.deepEqual([scene.mostAsked, scene.opened.length], [100, 0]);
    scene.problem = undefined;
    scene.now = kernelNatLimits.retryMs;
    scene.mostAsked = 0;
    await scene.nats.look();
    assert.deepEqual([scene.mostAsked, scene.opened.length], [100, 100]);
    await scene.nats.apply([]);
    assert.deepEqual([scene.mostClosing, scene.closed, scene.running.size], [100, 100, 0]);
  });

  test("has no timer while nothing is due, before somebody has come and afterwards", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await scene.apply(
      ...Array.from({ length: 100 }, (_, index) =>
        hubWith({ byKernel: index % 2 === 0, ipv6: index !== 1 }, `HUB${index}`),
      ),
    );
    const until = async (holds: () => boolean, what: string) => {
      const deadline = performance.now() + 5_000;
      while (!holds()) {
        assert.ok(performance.now() < deadline, what);
        await nextTurn();
      }
    };
    await until(() => timers() === before, "a timer is left of those who told that they are there");
    const { hub } = scene.hubs.find("hub1") ?? assert.fail();
    const port = new TestPort("alice");
    const attachment = hub.attach(port);
    // A question of ARP for the virtual host.
    const request =
      "ffffffffffff" +
      "020000000007" +
      "0806" +
      "0001080006040001" +
      "020000000007c0a81e0a" +
      "000000000000c0a81e01";
    const blocks = block(Buffer.from(request.padEnd(120, "0"), "hex"));
    attachment.forward(blocks, 0, blocks.length);
    await until(() => port.take().length > 0, "there is no answer");
    assert.equal(timers(), before + 1, "of the one hub that was asked");
    await until(() => timers() === before, "a timer is left");
    attachment.detach();
  });

  test("stays as long as the settings do", async () => {
    const hub = hubWith();
    await scene.apply(hub);
    const first = scene.running.get("one");
    await scene.apply(hub, hubWith({}, "OTHER"));
    assert.equal(scene.running.get("one"), first);
    await scene.apply({ ...hub, secureNat: { ...hub.secureNat, enabled: false } });
    assert.deepEqual([scene.running.size, scene.closed], [0, 2]);
  });

  test("becomes the server when packets get out no more", async () => {
    await scene.apply(hubWith());
    await scene.nats.look();
    assert.equal(scene.way(), "kernel");
    scene.checked = "dropped";
    await scene.nats.look();
    assert.deepEqual([scene.way(), scene.closed], ["user: dropped", 1]);
  });

  test("becomes the server at once when the interface is gone", async () => {
    await scene.apply(hubWith());
    scene.checked = "the interface is gone";
    scene.opened[0]?.lost();
    await scene.nats.look();
    await scene.apply(scene.hubs.find("one")?.hub.settings ?? assert.fail());
    assert.equal(scene.way(), "user: the interface is gone");
  });

  test("becomes the kernel once it can, when it is tried again", async () => {
    scene.problem = "no nft";
    await scene.apply(hubWith());
    scene.problem = undefined;
    scene.now = kernelNatLimits.retryMs - 1;
    await scene.nats.look();
    assert.equal(scene.way(), "user: no nft");
    scene.now++;
    await scene.nats.look();
    assert.equal(scene.way(), "kernel");
  });

  test("goes on being the server while it cannot, undisturbed", async () => {
    scene.problem = "no nft";
    await scene.apply(hubWith());
    const first = scene.running.get("one");
    for (let count = 1; count < 4; count++) {
      scene.now += kernelNatLimits.retryMs;
      await scene.nats.look();
    }
    assert.equal(scene.running.get("one"), first);
  });

  test("is the server's business still where only the kernel may and comes back", async () => {
    scene.problem = "no nft";
    await scene.apply(hubWith({ bySockets: false }));
    scene.problem = undefined;
    scene.now = kernelNatLimits.retryMs;
    await scene.nats.look();
    assert.equal(scene.way(), "kernel");
  });
});
