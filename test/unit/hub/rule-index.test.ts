import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { AccessList } from "../../../server/hub/access-list.ts";
import { DecisionCache } from "../../../server/hub/decision-cache.ts";
import { RuleIndex } from "../../../server/hub/rule-index.ts";
import { RuleTests } from "../../../server/hub/rule-tests.ts";
import type { AccessEndpoint, AccessRule } from "../../../server/settings/access-rule.ts";
import { unitsPerStep, type Steps } from "../../../server/turns.ts";
import { accessRule } from "./access-rule-fixture.ts";
import { arp, ethernet, icmpv6, ipv6, mac, tcp, tcp4, udp4 } from "./frames.ts";

interface Party {
  readonly userKey: string;
  readonly groupKey: string | undefined;
}

/** Whether a rule fits, as its description says. */
function fits(rule: AccessRule, frame: Frame, sender: Party, receiver: Party): boolean {
  const isIpv4 = rule.version === "ipv4";
  const isOfVersion = frame.network === rule.version;
  const names = (user: string | undefined, { userKey, groupKey }: Party) =>
    user === undefined || user === userKey || user === groupKey;
  const masked = (value: Uint8Array, { address, mask }: { address: Uint8Array; mask: Uint8Array }) =>
    value.every(
      (byte, index) => (byte & (mask[index] ?? 0)) === ((address[index] ?? 0) & (mask[index] ?? 0)),
    );
  const ipOf = (...words: readonly number[]) => {
    const bytes = Buffer.alloc(16);
    words.forEach((word, index) => bytes.writeInt32BE(word | 0, index * 4));
    return isIpv4 ? bytes.subarray(12) : bytes;
  };
  const hasAddresses = isOfVersion || (isIpv4 && frame.network === "arp");
  const end = (endpoint: AccessEndpoint, at: number, ip: Uint8Array, port: number) =>
    (endpoint.network === undefined || (hasAddresses && masked(ip, endpoint.network))) &&
    (endpoint.mac === undefined ||
      masked(frame.buffer.subarray(frame.start + at, frame.start + at + 6), endpoint.mac)) &&
    (endpoint.ports === undefined ||
      (isOfVersion &&
        (frame.transport === "tcp" || frame.transport === "udp") &&
        port >= endpoint.ports.first &&
        port <= endpoint.ports.last));
  const { sourceIp0, sourceIp1, sourceIp2, sourceIp3 } = frame;
  const { destinationIp0, destinationIp1, destinationIp2, destinationIp3 } = frame;
  const opens = (frame.tcpFlags & (tcpFlags.syn | tcpFlags.ack)) === tcpFlags.syn;
  return (
    names(rule.source.user, sender) &&
    names(rule.destination.user, receiver) &&
    end(rule.source, 6, ipOf(sourceIp0, sourceIp1, sourceIp2, sourceIp3), frame.sourcePort) &&
    end(
      rule.destination,
      0,
      ipOf(destinationIp0, destinationIp1, destinationIp2, destinationIp3),
      frame.destinationPort,
    ) &&
    (rule.protocol === undefined || (isOfVersion && frame.protocol === rule.protocol)) &&
    (rule.established === undefined ||
      (isOfVersion && frame.transport === "tcp" && rule.established === !opens))
  );
}

/** Undoes the hash of the table of values, so that all have the same last bits: what can be computed, somebody will make up. */
function collidingAddress(index: number): Uint8Array {
  const unshift = (hash: number, bits: number) => {
    let value = hash;
    for (let shift = bits; shift < 32; shift += bits) value = hash ^ (value >>> bits);
    return value;
  };
  let hash = unshift((index << 16) | 0x1234, 13);
  hash = unshift(Math.imul(hash, inverse(0xc2b2ae3d)), 15);
  const address = Buffer.alloc(4);
  address.writeInt32BE(Math.imul(hash, inverse(0x85ebca77)) ^ Math.imul(-1 ^ (3 << 13), 0x9e3779b1));
  return address;
}

/** Of an odd number, modulo 2 to the power of 32. */
function inverse(odd: number): number {
  let value = odd;
  for (let round = 0; round < 5; round++) value = Math.imul(value, 2 - Math.imul(odd, value));
  return value;
}

const frames = [
  tcp4({ from: 1, to: 2 }, { sourcePort: 4_000, destinationPort: 80 }),
  tcp4({ from: 2, to: 1 }, { sourcePort: 80, destinationPort: 4_000, flags: tcpFlags.syn }),
  udp4({ from: 3, to: 1 }, { sourcePort: 53, destinationPort: 4_001 }),
  ipv6({ from: 1, to: 2, protocol: 6 }, tcp({ sourcePort: 80 })),
  icmpv6({ from: 2 }, 128),
  arp({ from: 1 }),
  ethernet(mac(2), mac(1)),
];
const small = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const ipv4Network = fc.record({
  address: fc.constantFrom(1, 2, 3, 4).map((host) => Uint8Array.of(10, 0, 0, host)),
  mask: fc
    .constantFrom([255, 255, 255, 255], [255, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 255])
    .map((mask) => Uint8Array.from(mask)),
});
const ipv6Network = fc.record({
  address: fc.constantFrom(1, 2, 3).map((host) => Uint8Array.of(0xfe, 0x80, ...Buffer.alloc(13), host)),
  mask: fc.constantFrom(0, 1, 2, 16).map((bytes) => Buffer.alloc(16).fill(255, 0, bytes)),
});
const endpoint = (version: "ipv4" | "ipv6") =>
  fc.record({
    network: small(version === "ipv4" ? ipv4Network : ipv6Network),
    mac: small(
      fc.record({
        address: fc.constantFrom(1, 2).map((host) => Uint8Array.from(mac(host))),
        mask: fc.constantFrom(0, 3, 6).map((bytes) => Buffer.alloc(6).fill(255, 0, bytes)),
      }),
    ),
    ports: small(
      fc.record({ first: fc.constantFrom(0, 53, 80, 4_000), last: fc.constantFrom(79, 80, 4_000, 65_535) }),
    ),
    user: small(fc.constantFrom("alice", "bob", "staff")),
  });
const rule = fc.constantFrom<"ipv4" | "ipv6">("ipv4", "ipv6").chain((version) =>
  fc.record({
    version: fc.constant(version),
    action: fc.constantFrom<"pass" | "discard">("pass", "discard"),
    source: endpoint(version),
    destination: endpoint(version),
    protocol: small(fc.constantFrom(6, 17, 58)),
    established: small(fc.boolean()),
  }),
);
const parties: readonly Party[] = [
  { userKey: "alice", groupKey: "staff" },
  { userKey: "bob", groupKey: undefined },
  { userKey: "carol", groupKey: "staff" },
];

describe("many rules of an access list", () => {
  it("decide as if each were tried in turn", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 200, size: "max" }),
        fc.constantFrom(...frames),
        fc.constantFrom(...parties),
        fc.boolean(),
        (made, bytes, sender, applyToArp) => {
          const rules = made.map((each, index) => accessRule({ ...each, priority: index + 1 }));
          const frame = new Frame();
          assert.ok(frame.read(bytes, 0, bytes.length));
          const list = AccessList.of(rules, { applyToArp });
          // What was found is kept: the answer after that is the same.
          assert.equal(list.findOnEntry(frame, sender), list.findOnEntry(frame, sender));
          const isUntouched = frame.network === "arp" && !applyToArp;
          const entry = list.findOnEntry(frame, sender);
          const mayReach = entry === undefined ? list.forReceivers(frame, sender) : undefined;
          for (const receiver of parties) {
            const first = isUntouched ? undefined : rules.find((each) => fits(each, frame, sender, receiver));
            const passes = mayReach === undefined ? entry?.action === "pass" : mayReach(receiver);
            assert.equal(passes, first === undefined || first.action === "pass");
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are found by what they differ in, whichever that is", () => {
    const count = 1_000;
    const ports = (port: number) => ({ ports: { first: port, last: port } });
    for (const make of [
      (index: number) => ({
        source: { network: { address: Uint8Array.of(10, 0, 0, 1), mask: Buffer.alloc(4, 255) } },
        destination: ports(index),
      }),
      (index: number) => ({ destination: { ports: { first: index, last: index + 1 } } }),
      (index: number) => ({
        source: { mac: { address: mac(1), mask: Buffer.alloc(6, 255) } },
        protocol: 6,
        destination: ports(index),
      }),
    ]) {
      const rules = Array.from({ length: count }, (_, index) =>
        accessRule({ ...make(index + 1), priority: index + 1 }),
      );
      const list = AccessList.of(rules, { applyToArp: false });
      for (const port of [1, 2, 500, count, count + 5]) {
        const bytes = tcp4({ from: 1, to: 2 }, { sourcePort: 4_000, destinationPort: port });
        const frame = new Frame();
        assert.ok(frame.read(bytes, 0, bytes.length));
        const expected = rules.find((each) => fits(each, frame, parties[0] as Party, parties[1] as Party));
        assert.equal(list.findOnEntry(frame, parties[0] as Party), expected);
      }
    }
  });

  describe("that are made to be slow", () => {
    const most = 2_000;
    const [source, destination] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
    const exactly = (address: Uint8Array) => ({ address, mask: Buffer.alloc(address.length, 255) });
    const hosts = { source: { network: exactly(source) }, destination: { network: exactly(destination) } };
    const flipped = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, index) => (index === bit >>> 3 ? byte ^ (128 >>> (bit & 7)) : byte));
    const colliding = Array.from({ length: most }, (_, index) => collidingAddress(index));
    const onlyBit = (bytes: number, bit: number) => flipped(new Uint8Array(bytes), bit);
    const lists: Readonly<Record<string, (index: number) => Parameters<typeof accessRule>[0]>> = {
      "all alike": () => ({ ...hosts, protocol: 17 }),
      "all alike but the last field": (index) => ({
        source: { ...hosts.source, ports: { first: 0, last: 65_535 } },
        destination: { ...hosts.destination, ports: { first: index, last: index } },
        protocol: index % 7 === 0 ? 6 : 17,
      }),
      "ranges that overlap": (index) => ({
        source: { ports: { first: index % 900, last: 65_535 - (index % 31) } },
        destination: { ports: { first: 2 * index, last: 2 * index + 3_000 } },
        protocol: index % 3 === 0 ? 6 : 17,
      }),
      "wildcards but for one bit": (index) => ({
        source: {
          network: { address: flipped(source, (index >> 4) & 31), mask: onlyBit(4, (index >> 4) & 31) },
        },
      }),
      "masks of every kind": (index) => ({
        source: {
          network: { address: source, mask: Uint8Array.of(index >> 8, index, index * 7, index * 13) },
        },
        destination: {
          network: {
            address: index === most - 3 ? destination : flipped(destination, index & 31),
            mask: Buffer.alloc(4, 255),
          },
          mac: { address: Uint8Array.from(mac(2)), mask: Uint8Array.of(index, 0, 255, index >> 3, 0, 255) },
        },
      }),
      "few values in many ways": (index) => ({
        source: {
          network: exactly(Uint8Array.of(10, 0, 0, 1 + (index & 1))),
          ports: { first: 0, last: 60_000 },
        },
        destination: {
          network: exactly(Uint8Array.of(10, 0, 0, 1 + ((index >> 1) & 1))),
          ports: { first: (index >> 2) & 255, last: 60_000 + (index & 63) },
        },
        protocol: index % 5 === 0 ? 17 : 6,
        established: index % 2 === 0,
      }),
      // Of addresses, one in 2,000: they fall on each other's places in the table of what is looked up.
      "values of one hash": (index) => ({
        source: { network: exactly(colliding[index] ?? source) },
        protocol: index % 2 === 0 ? 6 : 17,
      }),
      "all kinds in turn": (index) => Object.values(lists)[index % 7]?.(index) ?? {},
    };
    const tried = Array.from({ length: 60 }, (_, index) => {
      const ends = { from: 1 + (index & 3), to: 1 + ((index >> 2) & 3) };
      const ports = { sourcePort: (index * 8_191) & 0xffff, destinationPort: (index * 1_021) & 0xffff };
      const flags = index % 2 === 0 ? tcpFlags.syn : tcpFlags.ack;
      return index % 3 === 0 ? udp4(ends, ports) : tcp4(ends, { ...ports, flags });
    });
    for (const [name, make] of Object.entries(lists)) {
      it(`decide the same: ${name}`, () => {
        for (const count of [40, 300, most]) {
          const rules = Array.from({ length: count }, (_, index) =>
            accessRule({ ...make(index), priority: index + 1 }),
          );
          const list = AccessList.of(rules, { applyToArp: false });
          for (const bytes of [...frames, ...tried]) {
            const frame = new Frame();
            assert.ok(frame.read(bytes, 0, bytes.length));
            const [sender, receiver] = parties as [Party, Party, Party];
            const first =
              frame.network === "arp" ? undefined : rules.find((each) => fits(each, frame, sender, receiver));
            for (let time = 0; time < 2; time++) assert.equal(list.findOnEntry(frame, sender), first);
          }
        }
      });
    }

    it("are made ready in steps that are no longer for more rules", () => {
      for (const make of Object.values(lists)) {
        let reads = 0;
        const counted = <T extends object>(from: T): T =>
          new Proxy(from, {
            get: (target, name) => {
              reads++;
              const value: unknown = Reflect.get(target, name, target);
              return typeof value === "function" ? (value.bind(target) as unknown) : value;
            },
          });
        const mostIn = <T>(steps: Steps<T>): { readonly most: number; readonly made: T } => {
          for (let mostReads = 0; ;) {
            reads = 0;
            const { done, value } = steps.next();
            mostReads = Math.max(mostReads, reads);
            if (done === true) return { most: mostReads, made: value };
          }
        };
        const rules = Array.from({ length: most }, (_, index) => counted(accessRule(make(index))));
        const ready = mostIn(RuleTests.inSteps(rules));
        assert.ok(ready.most <= unitsPerStep / 8, `${ready.most} properties of rules are read in a step`);
        const { starts, tests } = ready.made;
        const slow = Object.assign(Object.create(RuleTests.prototype) as RuleTests, {
          starts: counted(starts),
          tests: counted(tests),
        });
        const numbers = Int32Array.from(rules, (_, index) => index);
        const { most: mostReads } = mostIn(
          RuleIndex.inSteps(slow, numbers, { cache: new DecisionCache(), number: 1 }),
        );
        assert.ok(mostReads <= unitsPerStep, `${mostReads} numbers of tests are read in a step`);
      }
    });
  });
});
