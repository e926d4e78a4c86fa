import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { AccessList } from "../../../server/hub/access-list.ts";
import type { AccessEndpoint, AccessRule } from "../../../server/settings/access-rule.ts";
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
});
