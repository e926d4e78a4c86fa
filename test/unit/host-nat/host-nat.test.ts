import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { internetChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { formatIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import type { HostNatWay } from "../../../server/host-nat/host-nat-way.ts";
import { HostNat } from "../../../server/host-nat/host-nat.ts";
import type { SetOptions } from "../../../server/host-nat/forwarding.ts";
import type { NatRules } from "../../../server/host-nat/nat-table.ts";
import { ConntrackEntry } from "../../../server/host-nat/conntrack-message.ts";
import { TrackedConnections } from "../../../server/host-nat/tracked-connections.ts";
import { kernelNatLimits } from "../../../server/limits.ts";
import type { PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";
import { PacketWriter } from "../../../server/secure-nat/packet-writer.ts";
import { unblock } from "../hub/hub-fixture.ts";

const perClient = { tcp: 0, connecting: 0, udp: 0, dns: 0, ping: 0 };
const mac = Uint8Array.of(0x5e, 0, 0, 0, 0, 1);

/** A host that answers probes as the test says: with a code of ICMP, or not at all. */
class Scene {
  now = 0;
  /** Undefined drops what is to be forwarded; a code of ICMP refuses it. */
  code: number | "passes" | undefined = "passes";
  setProblem: Error | undefined;
  deviceProblem: Error | undefined;
  readonly sets: string[][] = [];
  readonly looks: string[][] = [];
  anews = 0;
  putBacks = 0;
  forgotten = 0;
  asked = 0;
  refused = new Map<number, number>();
  probes = 0;
  followed: number | undefined = 10;
  readonly warnings: string[] = [];
  /** Interfaces whose packets are dropped. */
  refuses = (_name: string) => false;
  readonly devices: { readonly events: PacketDeviceEvents; isOpen: boolean }[] = [];
  readonly nat = new HostNat({
    kernel: {
      routes: () => Promise.resolve(""),
      mostConnections: () => Promise.resolve(1_000),
      followedConnections: () => Promise.resolve(this.followed),
    },
    forwarding: {
      set: async (hubs: readonly NatRules[], { anew, beforeAnew }: SetOptions = {}) => {
        this.sets.push(hubs.map(({ network }) => formatIpv4Network(network)));
        if (anew === true) {
          this.anews++;
          await beforeAnew?.();
        }
        if (this.setProblem !== undefined) throw this.setProblem;
      },
      putBack: () => {
        this.putBacks++;
        return Promise.resolve(undefined);
      },
      refused: () => Promise.resolve(this.refused),
      setNewcomersApart: (hubs) => {
        this.looks.push(hubs.map(({ network }) => formatIpv4Network(network)));
        return this.setProblem === undefined ? Promise.resolve() : Promise.reject(this.setProblem);
      },
      suspects: () => {
        this.asked++;
        return Promise.resolve(" (somebody)");
      },
    },
    connections: {
      get: (networks) => {
        const list = new TrackedConnections(networks, new Map(), 0);
        const tcp = { protocol: 6, state: 3, source: (networks[0]?.network ?? 0) + 10 };
        list.add(Object.assign(new ConntrackEntry(), tcp));
        return Promise.resolve(list);
      },
      forget: () => void this.forgotten++,
    },
    openDevice: (events) => {
      if (this.deviceProblem !== undefined) return Promise.reject(this.deviceProblem);
      const device = { events, isOpen: true };
      const name = `vpnnat${this.devices.push(device) - 1}`;
      return Promise.resolve({
        name,
        dropped: 0,
        send: (buffer, start, end) => {
          this.probes++;
          if (!this.refuses(name)) this.#answer(unblock(buffer.subarray(start, end)), events);
        },
        check: () => {},
        close: () => {
          device.isOpen = false;
          return Promise.resolve();
        },
      });
    },
    delay: (ms) => {
      this.now += ms;
      return Promise.resolve();
    },
    now: () => this.now,
    warn: (problem) => void this.warnings.push(problem),
  });

  open(): Promise<HostNatWay> {
    return this.nat.open({ mac, mtu: 1_500, perClient, receive: () => {}, lost: () => {} });
  }

  #answer([silent, probe]: readonly Buffer[], events: PacketDeviceEvents): void {
    const frame = new Frame();
    assert.ok(silent && probe && frame.read(probe, 0, probe.length));
    const { code } = this;
    if (code === undefined) return;
    const writer = new PacketWriter({
      send: (buffer, start, end) => events.receive(buffer, start, end),
      soon: (flush) => flush(),
    });
    const station = { mac0: 0x5e00, mac1: 1, address: frame.sourceIp3 >>> 0 };
    if (code === "passes") {
      const at = writer.begin({ ...station, address: frame.destinationIp3 >>> 0 }, station, 6);
      writer.buffer.fill(0, at, at + 20);
      writer.buffer.set([0x50, tcpFlags.rst], at + 12);
      writer.finishTransport(at + 20, 6, at + 16);
      return;
    }
    const at = writer.begin({ ...station, address: station.address - 1 }, station, 1);
    writer.buffer.set([3, code, 0, 0, 0, 0, 0, 0], at);
    const end = at + 8 + probe.copy(writer.buffer, at + 8, 14);
    writer.buffer.writeUInt16BE(internetChecksum(writer.buffer, at, end), at + 2);
    writer.finish(end);
  }
}

const full = "the host's table of connections is full (nf_conntrack_max is 1000)";

let scene: Scene;
beforeEach(() => (scene = new Scene()));

describe("the ways of hubs through the host's kernel", () => {
  test("each have a network of their own, and the host is put back with the last", async () => {
    const ways = [await scene.open(), await scene.open()];
    assert.deepEqual(scene.sets, [["198.18.0.0/20"], ["198.18.0.0/20", "198.18.16.0/20"]]);
    assert.deepEqual(
      ways.map((way) => way.description),
      ["vpnnat0, 198.18.0.0/20", "vpnnat1, 198.18.16.0/20"],
    );
    await ways[0]?.close();
    assert.deepEqual([scene.sets.at(-1), scene.putBacks], [["198.18.16.0/20"], 0]);
    await ways[1]?.close();
    assert.equal(scene.putBacks, 1);
    assert.ok(scene.devices.every(({ isOpen }) => !isOpen));
    assert.deepEqual(scene.warnings, []);
  });

  test("are not there where nothing comes through, or somebody refuses, and nothing is left", async () => {
    scene.code = undefined;
    await assert.rejects(scene.open(), /firewall drops what it is to forward \(somebody\)$/);
    assert.equal(scene.probes, kernelNatLimits.probeAttempts);
    scene.now += kernelNatLimits.retryMs;
    scene.code = 13;
    await assert.rejects(scene.open(), /firewall refuses to forward/);
    assert.equal(scene.probes, kernelNatLimits.probeAttempts + 1);
    assert.deepEqual([scene.putBacks, scene.devices.map(({ isOpen }) => isOpen)], [2, [false, false]]);
  });

  test("are not tried by each hub anew where the host has just refused one", async () => {
    scene.code = 13;
    await assert.rejects(scene.open(), /refuses/);
    scene.code = "passes";
    await assert.rejects(scene.open(), /refuses/);
    assert.equal(scene.devices.length, 1);
    scene.now += kernelNatLimits.retryMs;
    assert.equal((await scene.open()).description, "vpnnat1, 198.18.0.0/20");
  });

  test("fail with the reason of the interface, or of the rules", async () => {
    scene.deviceProblem = new Error("EPERM: ioctl /dev/net/tun");
    await assert.rejects(scene.open(), /EPERM/);
    assert.deepEqual(scene.sets, []);
    scene.deviceProblem = undefined;
    scene.setProblem = new Error("nft refuses our rules: x");
    await assert.rejects(scene.open(), /nft refuses/);
    assert.equal(scene.putBacks, 1);
  });

  test("are so many at most", async () => {
    for (let count = 0; count < kernelNatLimits.hubs; count++) await scene.open();
    await assert.rejects(scene.open(), /64 hubs use the kernel's NAT already/);
  });

  test("come and go by one change of the host, however many there are", async () => {
    const first = await scene.open();
    const ways = await Promise.all(
      Array.from({ length: kernelNatLimits.hubs + 10 }, () => scene.open().catch(() => undefined)),
    );
    assert.equal(ways.filter((way) => way !== undefined).length, kernelNatLimits.hubs - 1);
    assert.deepEqual(
      scene.sets.map((networks) => networks.length),
      [1, kernelNatLimits.hubs],
    );
    assert.equal(new Set(scene.sets[1]).size, kernelNatLimits.hubs);
    assert.equal(scene.probes, kernelNatLimits.hubs);
    // One hub has other settings now, and all others go.
    const [, again] = await Promise.all([first.close(), scene.open(), ...ways.map((way) => way?.close())]);
    assert.deepEqual(scene.sets.slice(2), [["198.18.0.0/20"]]);
    assert.equal(scene.putBacks, 0);
    await again.close();
    assert.equal(scene.putBacks, 1);
  });

  test("are not made by the dozen where the first of them leads nowhere", async () => {
    scene.code = 13;
    const ends = await Promise.allSettled(Array.from({ length: 100 }, () => scene.open()));
    assert.ok(
      ends.every((end) => end.status === "rejected" && /refuses to forward/.test(String(end.reason))),
    );
    assert.deepEqual([scene.devices.length, scene.probes, scene.putBacks], [1, 1, 1]);
  });

  test("fail one by one where the host lets some interfaces out only", async () => {
    scene.refuses = (name) => name !== "vpnnat0";
    const ends = await Promise.allSettled(Array.from({ length: 5 }, () => scene.open()));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "rejected", "rejected"],
    );
    assert.deepEqual(
      scene.sets.map((networks) => networks.length),
      [5, 1],
    );
    assert.deepEqual([scene.asked, scene.anews], [1, 0]);
    // The rules are well, as the older way shows.
    scene.now += kernelNatLimits.retryMs;
    await assert.rejects(scene.open(), /somebody/);
    assert.equal(scene.anews, 0);
  });

  test("make the rules anew where they are gone when another hub comes", async () => {
    await scene.open();
    scene.refuses = () => scene.anews === 0;
    await scene.open();
    assert.equal(scene.anews, 1);
  });

  test("ask for the rules once where all of them lead nowhere any more", async () => {
    const ways = await Promise.all(Array.from({ length: 8 }, () => scene.open()));
    scene.code = undefined;
    const reasons = await Promise.all(ways.map((way) => way.check()));
    assert.ok(reasons.every((reason) => reason?.includes("drops what it is to forward")));
    assert.deepEqual([scene.anews, scene.asked], [1, 1]);
  });

  test("stay where the kernel's table of connections is full, and tell it", async () => {
    const way = await scene.open();
    scene.code = undefined;
    scene.followed = 995;
    assert.deepEqual([await way.check(), way.problem], [undefined, full]);
    assert.deepEqual([scene.sets.length, scene.asked], [1, 0]);
    scene.followed = 500;
    assert.match((await way.check()) ?? "", /drops what it is to forward/);
    scene.code = "passes";
    scene.followed = 1_000;
    assert.deepEqual([await way.check(), way.problem], [undefined, undefined]);
  });

  test("are not there where the kernel's table of connections is full, which is the reason then", async () => {
    scene.code = undefined;
    scene.followed = 1_000;
    await assert.rejects(scene.open(), { message: full });
    assert.equal(scene.asked, 0);
  });

  test("have interfaces looked for that came later, and tell what went wrong", async () => {
    await scene.nat.look();
    assert.deepEqual(scene.looks, []);
    await scene.open();
    await scene.nat.look();
    assert.deepEqual(scene.looks, [["198.18.0.0/20"]]);
    scene.setProblem = new Error("nft is gone");
    await scene.nat.look();
    assert.deepEqual(scene.warnings, ["nft is gone"]);
    scene.setProblem = undefined;
  });

  test("are set up once more where somebody has undone the rules", async () => {
    const way = await scene.open();
    assert.equal(await way.check(), undefined);
    assert.equal(scene.sets.length, 1);
    scene.code = undefined;
    const checked = way.check();
    scene.setProblem = undefined;
    assert.match((await checked) ?? "", /drops what it is to forward/);
    assert.equal(scene.sets.length, 2);
    scene.code = "passes";
    assert.equal(await way.check(), undefined);
    scene.code = undefined;
    scene.setProblem = new Error("the host has no program nft");
    assert.equal(await way.check(), "the host has no program nft");
  });

  test("count what the kernel turned away, also when it counts anew", async () => {
    const way = await scene.open();
    const count = async (packets: number) => {
      scene.refused = new Map([[way.network.network, packets]]);
      await scene.nat.countRefused();
      return way.refused;
    };
    assert.equal(await count(5), 5);
    assert.equal(await count(7), 7);
    await scene.open();
    assert.equal(way.refused, 7, "not asked where the kernel goes on counting");
    scene.refused = new Map([[way.network.network, 9]]);
    scene.code = undefined;
    await way.check();
    assert.equal(way.refused, 9, "asked before the kernel is set up anew");
    assert.equal(await count(4), 13);
    await way.close();
    assert.equal(await count(100), 13);
  });

  test("tell what the kernel follows for each, and keep nothing of it when all are gone", async () => {
    const ways = [await scene.open(), await scene.open()];
    const told = await Promise.all(ways.map((way) => way.connections()));
    assert.deepEqual(
      told.map(({ counts }) => counts.tcp),
      [1, 0],
    );
    assert.deepEqual(
      told.map(({ entries }) => [...entries()].length),
      [1, 0],
    );
    await ways[0]?.close();
    assert.equal(scene.forgotten, 0);
    await ways[1]?.close();
    assert.equal(scene.forgotten, 1);
  });

  test("end with their interface", async () => {
    let told = 0;
    const way = await scene.nat.open({
      mac,
      mtu: 1_500,
      perClient,
      receive: () => {},
      lost: () => void told++,
    });
    scene.devices[0]?.events.lost(new Error("EBADFD: read"));
    assert.equal(told, 1);
    assert.equal(await way.check(), "the interface is gone: EBADFD: read");
    await way.close();
    assert.equal(scene.putBacks, 1);
  });

  test("of a former run are put back where no hub needs them", async () => {
    await scene.nat.settle();
    assert.deepEqual([scene.putBacks, scene.sets], [1, []]);
  });
});
