import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TestHub, type TestAttachment } from "./hub-fixture.ts";
import {
  arp,
  dhcp,
  dnsQuery,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  mac,
  tagged,
  tcp,
  tcp4,
  udp,
  udp4,
} from "./frames.ts";
import { accessRule } from "./access-rule-fixture.ts";

const station = fc.integer({ min: 1, max: 5 });
const target = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 6 });
const ip = fc.constantFrom("10.0.0.1", "10.0.0.2", "172.16.0.9", "8.8.8.8", "0.0.0.0", "192.168.7.7");
const port = fc.constantFrom(1, 53, 67, 68, 80, 546, 547, 40_000);
const ports = fc.record({ sourcePort: port, destinationPort: port });
const packet = fc.record({ from: station, to: target, sourceIp: ip });

/** Frames of all kinds, most of them of the kind that takes the short way. */
const anyFrame = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(packet, fc.constantFrom(0x10, 0x18, 0x12, 0x02, 0x11, 0x04))
      .map(([each, flags]) => tcp4(each, { flags })),
  },
  { weight: 3, arbitrary: fc.tuple(packet, ports).map(([each, both]) => udp4(each, both)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(station, target, ports)
      .map(([from, to, both]) => ipv6({ from, to, protocol: 17 }, udp(both))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(station, target, fc.constantFrom("fe80".padEnd(32, "7"), "2001".padEnd(32, "1")))
      .map(([from, to, sourceIp]) => ipv6({ from, to, sourceIp, protocol: 6 }, tcp({}))),
  },
  fc.tuple(station, target).map(([from, to]) => arp({ from, to })),
  fc.tuple(station, target).map(([from, to]) => icmpv6({ from, to }, 134)),
  fc.tuple(station, station).map(([from, client]) => dhcp({ from, type: 5, client, yourIp: "10.0.0.77" })),
  packet.map((each) => dnsQuery(each, "example.com")),
  fc.tuple(packet, fc.nat(3)).map(([each, vlan]) => tagged(tcp4(each), vlan)),
  packet.map((each) => ipv4({ ...each, protocol: 6, fragmentOffset: 3 }, tcp({}))),
  fc.tuple(station, station).map(([to, from]) => ethernet(mac(to), mac(from))),
  fc.tuple(packet, fc.integer({ min: 0, max: 54 })).map(([each, bytes]) => tcp4(each).subarray(0, bytes)),
);

describe("the short way through a hub", () => {
  it("leads where the long way leads, and leaves the same in the tables", () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ by: fc.nat(2), frames: fc.array(anyFrame, { minLength: 1, maxLength: 8 }) }),
      },
      fc.record({ wait: fc.constantFrom(1, 400, 61_000, 601_000) }),
      fc.record({ replug: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const short = new TestHub();
        // A rule that fits no frame makes the hub look into every one.
        const long = new TestHub({ accessList: [accessRule({ source: { user: "nobody" } })] });
        const hubs = [short, long].map((test) => ({ test, ports: plugThree(test) }));
        for (const each of steps) {
          for (const { test, ports } of hubs) {
            if ("wait" in each) test.advance(each.wait);
            else if ("replug" in each) {
              ports[each.replug]?.attachment.detach();
              ports[each.replug] = test.plug(`port${each.replug}`);
            } else ports[each.by]?.send(...each.frames);
          }
          const [one, other] = hubs.map(({ test, ports }) => ({
            runs: ports.map(({ port }) => port.runs.splice(0)),
            counters: ports.map(({ attachment }) => attachment.counters),
            macs: sorted(test.hub.macTable()),
            ips: sorted(test.hub.ipTable()),
            packets: test.packets,
          }));
          assert.deepEqual(one, other);
        }
      }),
      { numRuns: 150 },
    );
  });
});

function plugThree(test: TestHub): TestAttachment[] {
  return [0, 1, 2].map((index) => test.plug(`port${index}`));
}

function sorted(entries: Iterable<object>): string[] {
  return [...entries].map((entry) => JSON.stringify(entry)).sort();
}
