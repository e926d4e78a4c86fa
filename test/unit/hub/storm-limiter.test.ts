import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HubOptions } from "../../../server/settings/hub-settings.ts";
import { TestHub, type TestPortOptions } from "./hub-fixture.ts";
import { arp, tcp4 } from "./frames.ts";

/** How many of 5000 frames in five seconds arrive. */
function arriving(
  make: (count: number) => Buffer,
  options: {
    readonly option?: Partial<HubOptions>;
    readonly port?: TestPortOptions;
    readonly frames?: number;
  } = {},
) {
  const test = new TestHub({ option: options.option ?? {} });
  const [a, b] = [test.plug("a", options.port), test.plug("b")];
  test.random = 0.99;
  const frames = options.frames ?? 5000;
  for (let count = 0; count < frames; count++) {
    a.send(make(count));
    test.advance(5000 / frames);
  }
  return { arrived: b.port.take().length, test, a, b };
}

describe("limit of broadcast storms", () => {
  it("stops a storm of one station and says so once in a while", () => {
    const { arrived, test, a } = arriving(() => arp({ from: 1 }));
    assert.ok(arrived < 1500, `${arrived} arrived`);
    assert.equal(a.attachment.counters.drops.storm, 5000 - arrived);
    assert.ok(test.security.length >= 1 && test.security.length <= 6);
    assert.match(
      test.security[0] ?? "",
      /too many broadcasts from MAC address 5E-00-00-00-00-01, IP address 10\.0\.0\.1;/,
    );
  });

  it("lets fewer than 32 frames in a second pass", () => {
    assert.equal(arriving(() => arp({ from: 1 }), { frames: 5 * 31 }).arrived, 5 * 31);
  });

  it("starts where the hub says", () => {
    const option = { BroadcastStormDetectionThreshold: 10 };
    assert.ok(arriving(() => arp({ from: 1 }), { frames: 5 * 31, option }).arrived < 5 * 31);
    assert.equal(
      arriving(() => arp({ from: 1 }), { option: { BroadcastStormDetectionThreshold: 5000 } }).arrived,
      5000,
    );
  });

  it("limits unknown unicast, too", () => {
    assert.ok(arriving(() => tcp4({ from: 1, to: 99 })).arrived < 1500);
  });

  it("does not stop another station of the same port, nor another port", () => {
    const { test, a, b } = arriving(() => arp({ from: 1 }));
    a.send(arp({ from: 2 }));
    assert.equal(b.port.take().length, 1);
    const c = test.plug("c");
    c.send(arp({ from: 1 }));
    assert.equal(b.port.take().length, 1);
  });

  it("ends when the storm ends", () => {
    const { test, a, b } = arriving(() => arp({ from: 1 }));
    test.advance(60_000);
    for (let second = 0; second < 3; second++) {
      b.port.take();
      a.send(arp({ from: 1 }));
      test.advance(1_000);
    }
    assert.equal(b.port.take().length, 1);
  });

  it("does not let made-up addresses through without end", () => {
    const frame = arp({ from: 1 });
    const made = (count: number) => {
      // The sender's IP address.
      frame.writeUInt32BE((10 << 24) | count, 28);
      return frame;
    };
    const { arrived } = arriving(made, { frames: 50_000 });
    assert.ok(arrived < 17_500, `${arrived} of 50000 arrived`);
    const strict = arriving(made, { option: { BroadcastLimiterStrictMode: true } });
    assert.ok(strict.arrived < 1500, `${strict.arrived} arrived`);
  });

  it("is off with NoBroadcastLimiter", () => {
    assert.equal(
      arriving(() => arp({ from: 1 }), { port: { policy: { NoBroadcastLimiter: true } } }).arrived,
      5000,
    );
  });
});
