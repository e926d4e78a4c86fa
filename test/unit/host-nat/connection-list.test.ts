import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIpv4, parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import { dumpConnections } from "../../../server/host-nat/connection-dump.ts";
import { ConnectionList } from "../../../server/host-nat/connection-list.ts";
import { ConntrackEntry } from "../../../server/host-nat/conntrack-message.ts";
import { TrackedConnections } from "../../../server/host-nat/tracked-connections.ts";
import { kernelNatLimits } from "../../../server/limits.ts";
import { atOnce } from "../../../server/turns.ts";
import { FakeSystemCalls } from "../packet-device/fake-system-calls.ts";

const ip = (text: string) => parseIpv4(text) ?? assert.fail(text);
const networks = ["198.18.0.0/20", "198.18.16.0/20"].map((text) => parseIpv4Network(text) ?? assert.fail());
const [first = 0, second = 0] = networks.map(({ network }) => network);
const timeouts = new Map([
  ["tcp_timeout_established", 432_000],
  ["tcp_timeout_unacknowledged", 300],
  ["tcp_timeout_syn_sent", 120],
  ["udp_timeout", 30],
  ["udp_timeout_stream", 120],
  ["icmp_timeout", 30],
]);
const takenAt = 1_700_000_000_000;

function entryOf(fields: Partial<ConntrackEntry>): ConntrackEntry {
  const tcp = {
    protocol: 6,
    state: 3,
    source: ip("198.18.0.10"),
    sourcePort: 50_000,
    timeoutSeconds: 432_000,
  };
  return Object.assign(
    new ConntrackEntry(),
    tcp,
    { destination: ip("203.0.113.80"), destinationPort: 443 },
    fields,
  );
}

function trackedOf(...entries: readonly Partial<ConntrackEntry>[]): TrackedConnections {
  const list = new TrackedConnections(networks, timeouts, takenAt);
  for (const fields of entries) list.add(entryOf(fields));
  return list;
}

describe("connections that the kernel follows", () => {
  test("are counted and told hub by hub", () => {
    const list = trackedOf(
      { sent: 2 ** 40, received: 7, startedAt: takenAt - 5_000 },
      { protocol: 17, state: 0, timeoutSeconds: 30 },
      { protocol: 1, state: 0, timeoutSeconds: 30, sourcePort: 0, destinationPort: 0 },
      { source: ip("198.18.31.254") },
      // GRE, and somebody else.
      { protocol: 47 },
      { source: ip("192.0.2.1") },
      // The packet that tries the way out.
      { source: ip("198.18.0.2"), state: 8 },
    );
    assert.deepEqual(list.counts(first), { tcp: 1, udp: 1, ping: 1 });
    assert.deepEqual(list.counts(second), { tcp: 1, udp: 0, ping: 0 });
    assert.deepEqual(list.counts(0), { tcp: 0, udp: 0, ping: 0 });
    const [tcp, udp, ping] = [...list.entries(first)];
    assert.deepEqual(tcp, {
      ...{ protocol: "tcp", client: ip("198.18.0.10"), clientPort: 50_000 },
      ...{ remote: ip("203.0.113.80"), remotePort: 443, state: "established" },
      ...{ sent: 2 ** 40, received: 7, createdAt: takenAt - 5_000, usedAt: takenAt },
    });
    assert.deepEqual(
      [udp?.protocol, udp?.state, ping?.protocol, ping?.remotePort],
      ["udp", "none", "ping", 0],
    );
    assert.deepEqual([list.has(ip("198.18.15.255")), list.has(ip("198.18.32.0"))], [true, false]);
  });

  test("were used when their time-out says, whichever holds", () => {
    const silence = (fields: Partial<ConntrackEntry>) => {
      const [entry] = trackedOf(fields).entries(first);
      return (takenAt - (entry?.usedAt ?? assert.fail())) / 1_000;
    };
    assert.equal(silence({ timeoutSeconds: 431_000 }), 1_000);
    // Something is not acknowledged.
    assert.equal(silence({ timeoutSeconds: 299 }), 1);
    assert.equal(silence({ state: 1, timeoutSeconds: 100 }), 20);
    assert.equal(silence({ protocol: 17, timeoutSeconds: 10 }), 20);
    assert.equal(silence({ protocol: 17, isAssured: true, timeoutSeconds: 10 }), 110);
    assert.equal(silence({ protocol: 1, timeoutSeconds: 30 }), 0);
    // A time-out that the host does not tell, or has changed meanwhile.
    assert.equal(silence({ state: 7, timeoutSeconds: 500 }), 0);
    assert.equal(silence({ state: 200, timeoutSeconds: 5 }), 295);
  });

  test("are in states that a table has", () => {
    const states = Array.from({ length: 11 }, (_, state) => {
      const [entry] = trackedOf({ state }).entries(first);
      return entry?.state;
    });
    assert.deepEqual(states, [
      ...["none", "connecting", "connecting", "established", "closing", "closing", "closing", "time-wait"],
      ...["closed", "connecting", "none"],
    ]);
  });

  test("are all counted, and so many listed", () => {
    const list = new TrackedConnections(networks, timeouts, takenAt);
    const entry = entryOf({});
    for (let count = 0; count < kernelNatLimits.listed + 10; count++) list.add(entry);
    assert.equal(list.counts(first).tcp, kernelNatLimits.listed + 10);
    assert.equal([...list.entries(first)].length, kernelNatLimits.listed);
  });
});

/** A kernel whose table takes a time to go through. */
class Scene {
  now = 0;
  dumps = 0;
  stepMs = 0;
  problem: Error | undefined;
  /** Steps of those that run at the same time. */
  going: (() => void)[] = [];
  readonly list = new ConnectionList({
    dump: (isWanted, take) => this.#dump(isWanted, take),
    timeouts: () => Promise.resolve(timeouts),
    now: () => this.now,
    unixNow: () => takenAt,
  });

  *#dump(isWanted: (source: number) => boolean, take: (entry: ConntrackEntry) => void) {
    this.dumps++;
    for (const source of [ip("198.18.0.10"), ip("192.0.2.1")]) {
      this.now += this.stepMs;
      if (isWanted(source)) take(entryOf({ source }));
      yield;
    }
    if (this.problem !== undefined) throw this.problem;
    return undefined;
  }
}

describe("a list of what the kernel follows", () => {
  test("is made once for all who ask at the same time, and holds for a while", async () => {
    const scene = new Scene();
    const lists = await Promise.all(Array.from({ length: 100 }, () => scene.list.get(networks)));
    assert.deepEqual([new Set(lists).size, scene.dumps, lists[0]?.counts(first).tcp], [1, 1, 1]);
    scene.now = kernelNatLimits.listHoldMs - 1;
    await scene.list.get(networks);
    assert.equal(scene.dumps, 1);
    scene.now++;
    await scene.list.get(networks);
    assert.equal(scene.dumps, 2);
    scene.list.forget();
    await scene.list.get(networks);
    assert.equal(scene.dumps, 3);
  });

  test("holds for longer where it took long, so that it takes a share of the time", async () => {
    const scene = new Scene();
    scene.stepMs = 200;
    await scene.list.get(networks);
    const madeAt = scene.now;
    assert.equal(madeAt, 400);
    const holdMs = 400 / kernelNatLimits.listShare;
    scene.now = madeAt + holdMs - 1;
    await scene.list.get(networks);
    assert.equal(scene.dumps, 1);
    scene.now++;
    await scene.list.get(networks);
    assert.equal(scene.dumps, 2);
  });

  test("fails for everybody with the kernel's reason, and is not asked for at once again", async () => {
    const scene = new Scene();
    scene.problem = new Error("EPERM: read a socket of netfilter");
    for (let count = 0; count < 3; count++) await assert.rejects(scene.list.get(networks), /EPERM/);
    assert.equal(scene.dumps, 1);
    scene.problem = undefined;
    scene.now = kernelNatLimits.listHoldMs;
    await scene.list.get(networks);
  });
});

const unwanted = () => assert.fail("no connection was told");

/** Answers of a kernel, piece by piece. */
class FakeNetfilter extends FakeSystemCalls {
  readonly pieces: Buffer[] = [];
  request: Buffer | undefined;
  netfilterSocket = () => ({ subject: "a socket of netfilter" });

  sendTo(_socket: unknown, { bytes }: { readonly bytes: Buffer }, offset: number, length: number): number {
    this.request = Buffer.from(bytes.subarray(offset, offset + length));
    return length;
  }

  read(_socket: unknown, { bytes }: { readonly bytes: Buffer }): number | undefined {
    return this.pieces.shift()?.copy(bytes);
  }
}

describe("the kernel's table", () => {
  const done = Buffer.from("1400000003000200000000006b74000000000000", "hex");
  const refusal = Buffer.from("14000000020000000000000000000000ffffffff", "hex");
  const other = Buffer.from("1000000000050000000000000000000000000000", "hex").subarray(0, 16);

  test("is read to its end, a piece in each step, and everything is let go of", () => {
    const fake = new FakeNetfilter();
    fake.pieces.push(other, other, done, other);
    const steps = [...dumpConnections(fake.calls, () => true, unwanted)].length;
    assert.deepEqual([steps, fake.pieces.length], [2, 1]);
    assert.deepEqual([fake.closed.length, fake.released], [1, ["memory", "memory"]]);
    assert.equal(fake.request?.readUInt16LE(4), 0x101);
  });

  test("is refused with the reason, and everything is let go of", () => {
    const fake = new FakeNetfilter();
    const read = () => atOnce(dumpConnections(fake.calls, () => true, unwanted));
    fake.pieces.push(refusal);
    assert.throws(read, { code: "EPERM", message: "EPERM: read a socket of netfilter" });
    fake.pieces.push(other);
    assert.throws(read, /ended its list of connections too early/);
    assert.deepEqual([fake.closed.length, fake.released.length], [2, 4]);
  });

  test("that has no end is given up", () => {
    const fake = new FakeNetfilter();
    fake.read = () => 0;
    assert.throws(() => atOnce(dumpConnections(fake.calls, () => true, unwanted)), /has no end/);
    assert.equal(fake.closed.length, 1);
  });
});
