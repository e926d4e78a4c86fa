import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessRule } from "../../../server/settings/access-rule.ts";
import { hubLimits } from "../../../server/limits.ts";
import { accessRule, network } from "./access-rule-fixture.ts";
import { TestHub, type TestPortOptions } from "./hub-fixture.ts";
import { arp, broadcastMac, ethernet, icmpv6, ipv4, ipv6, mac, tagged, tcp, tcp4, udp4 } from "./frames.ts";

type Rule = Parameters<typeof accessRule>[0];

/** Whether a frame from alice, of group staff, reaches bob, of group guests. */
function passes(frame: Buffer, rules: readonly Rule[], option: Parameters<typeof hubWith>[1] = {}): boolean {
  const { alice, bob } = hubWith(rules, option);
  alice.send(frame);
  return bob.port.take().length > 0;
}

function hubWith(
  rules: readonly Rule[],
  option: NonNullable<ConstructorParameters<typeof TestHub>[0]>["option"] = {},
  sender: TestPortOptions = {},
) {
  const test = new TestHub({ option, accessList: rules.map(accessRule) });
  const alice = test.plug("Alice", { group: "Staff", ...sender });
  const bob = test.plug("Bob", { group: "Guests" });
  const carol = test.plug("Carol");
  return { test, alice, bob, carol };
}

const syn = tcp4({ from: 1, to: 2 }, { flags: 0x02 });
const data = tcp4({ from: 1, to: 2 }, { sourcePort: 80, destinationPort: 1000 });
const tcp6 = ipv6({ from: 1, to: 2, protocol: 6 }, tcp({ sourcePort: 80 }));

describe("access list", () => {
  const cases: readonly (readonly [string, Rule, readonly Buffer[], readonly Buffer[]])[] = [
    ["every frame but ARP", {}, [data, tcp6, ethernet(mac(2), mac(1))], [arp({ from: 1 })]],
    [
      "source network",
      { source: { network: network("10.0.0.0/31") } },
      [data],
      [tcp4({ from: 2, to: 3 }), tcp6],
    ],
    [
      "destination network",
      { destination: { network: network("10.0.0.2/32") } },
      [data, tagged(data, 5)],
      [tcp4({ from: 1, to: 3 }), ethernet(mac(2), mac(1))],
    ],
    [
      "IPv6 networks",
      {
        version: "ipv6",
        source: { network: network(`fe80${"0".repeat(28)}/10`) },
        destination: { network: network(`fe80${"2".padStart(28, "0")}/128`) },
      },
      [tcp6],
      [
        data,
        ipv6({ from: 1, to: 3, protocol: 6 }, tcp({})),
        ipv6({ from: 1, to: 2, sourceIp: "20".repeat(16) }, tcp({})),
      ],
    ],
    [
      "protocol of IPv4",
      { protocol: 6 },
      [data, syn],
      [udp4({ from: 1, to: 2 }), tcp6, ethernet(mac(2), mac(1))],
    ],
    ["protocol of IPv6", { version: "ipv6", protocol: 58 }, [icmpv6({ from: 1, to: 2 }, 128)], [tcp6, data]],
    ["source port", { source: { ports: { first: 79, last: 80 } } }, [data], [syn, tcp6]],
    [
      "destination port of UDP and TCP",
      { destination: { ports: { first: 1000, last: 1000 } } },
      [data, udp4({ from: 1, to: 2 }, { destinationPort: 1000 })],
      [syn, ipv4({ from: 1, to: 2, protocol: 6, fragmentOffset: 1 }, tcp({ destinationPort: 1000 }))],
    ],
    [
      "established connections",
      { established: true },
      [data, tcp4({ from: 1, to: 2 }, { flags: 0x12 })],
      [syn, udp4({ from: 1, to: 2 }), tcp6],
    ],
    ["connections that begin", { established: false }, [syn], [data, udp4({ from: 1, to: 2 })]],
    ["connections of IPv6", { version: "ipv6", established: true }, [tcp6], [data]],
    [
      "source MAC address with mask",
      { source: { mac: { address: mac(0x0100), mask: Buffer.from("ffffffffff00", "hex") } } },
      [tcp4({ from: 0x0142, to: 2, sourceIp: "10.0.0.9" })],
      [data],
    ],
    [
      "destination MAC address",
      { destination: { mac: { address: mac(2), mask: Buffer.alloc(6, 0xff) } } },
      [data],
      [tcp4({ from: 1, to: 3 })],
    ],
    ["user", { source: { user: "ALICE" } }, [data], []],
    ["group", { source: { user: "staff" } }, [data], []],
    ["another user", { source: { user: "bob" } }, [], [data]],
    ["inactive", { active: false }, [], [data]],
  ];
  for (const [name, rule, fitting, others] of cases) {
    it(`fits: ${name}`, () => {
      for (const frame of fitting) assert.equal(passes(frame, [rule]), false);
      for (const frame of others) assert.equal(passes(frame, [rule]), true);
    });
  }

  it("looks at ARP as if it were IPv4 where the hub is set so", () => {
    const rule = {
      source: { network: network("10.0.0.0/24") },
      destination: { network: network("10.0.0.254/32") },
    };
    const option = { ApplyIPv4AccessListOnArpPacket: true };
    assert.equal(passes(arp({ from: 1 }), [rule]), true);
    assert.equal(passes(arp({ from: 1 }), [rule], option), false);
    assert.equal(passes(arp({ from: 1 }, { targetIp: "10.0.0.253" }), [rule], option), true);
    assert.equal(passes(arp({ from: 1 }), [{ protocol: 6 }], option), true);
  });

  it("is tried in the order of priorities; the first rule that fits decides", () => {
    const pass: Rule = { priority: 10, action: "pass", protocol: 6 };
    const discard: Rule = { priority: 20 };
    assert.equal(passes(data, [discard, pass]), true);
    assert.equal(passes(udp4({ from: 1, to: 2 }), [discard, pass]), false);
    assert.equal(passes(data, [{ ...discard, priority: 5 }, pass]), false);
  });

  it("keeps a frame from the users that a rule names as receivers", () => {
    for (const user of ["bob", "GUESTS"]) {
      const { alice, bob, carol } = hubWith([{ destination: { user } }]);
      bob.send(ethernet(broadcastMac, mac(2)));
      carol.port.take();
      alice.send(tcp4({ from: 1 }), data);
      assert.deepEqual([bob.port.take().length, carol.port.take().length], [0, 1]);
      assert.equal(bob.attachment.counters.drops.receiverAccessList, 2);
    }
  });

  it("tries rules behind one with a receiver for each receiver, unless one before has decided", () => {
    const toBob: Rule = { priority: 2, action: "pass", destination: { user: "bob" } };
    const rest: Rule = { priority: 3 };
    const { alice, bob, carol } = hubWith([toBob, rest]);
    alice.send(tcp4({ from: 1 }));
    assert.deepEqual([bob.port.take().length, carol.port.take().length], [1, 0]);
    const decided = hubWith([{ priority: 1, action: "pass", protocol: 6 }, toBob, rest]);
    decided.alice.send(tcp4({ from: 1 }));
    assert.deepEqual([decided.bob.port.take().length, decided.carol.port.take().length], [1, 1]);
  });

  it("changes with the settings, from the next frame on", () => {
    const { test, alice, bob } = hubWith([]);
    alice.send(data);
    assert.equal(bob.port.take().length, 1);
    test.hub.update({ ...test.hub.settings, accessList: [accessRule()] });
    alice.send(data);
    assert.equal(bob.port.take().length, 0);
    assert.equal(alice.attachment.counters.drops.accessList, 1);
  });

  it("says so when a rule names users by a file, and lets nothing through that it would have held back", () => {
    for (const user of ["include:users.txt", "Exclude:users.txt"]) {
      for (const side of ["source", "destination"] as const) {
        const discard = { priority: 7, [side]: { user } };
        assert.equal(passes(data, [discard]), false, `${side} ${user}`);
        assert.match(hubWith([discard]).test.security[0] ?? "", /priority 7 .*not read.*everybody/);
        const pass = { priority: 7, action: "pass", [side]: { user } } as const;
        assert.equal(passes(data, [pass, { priority: 8 }]), false);
        assert.match(hubWith([pass]).test.security[0] ?? "", /priority 7 .*not read.*no frame/);
      }
    }
  });
});

describe("what a rule of the access list does to frames that pass", () => {
  const pass = (rule: Partial<AccessRule>) => hubWith([{ action: "pass", ...rule }]);

  it("loses the share of them that it says", () => {
    const { test, alice, bob } = pass({ lossPercent: 30 });
    test.random = 0.299;
    alice.send(data);
    test.random = 0.3;
    alice.send(data);
    assert.equal(bob.port.take().length, 1);
    assert.equal(alice.attachment.counters.drops.loss, 1);
    const all = pass({ lossPercent: 100 });
    all.test.random = 0.999;
    all.alice.send(data);
    assert.equal(all.bob.port.take().length, 0);
  });

  it("delays them, in order, each by its time", () => {
    const { test, alice, bob } = pass({ delayMs: 100 });
    const frames = [1000, 2000, 3000].map((sourcePort) => tcp4({ from: 1, to: 2 }, { sourcePort }));
    alice.send(...frames.slice(0, 2));
    test.advance(50);
    alice.send(...frames.slice(2));
    test.advance(49);
    assert.deepEqual(bob.port.take(), []);
    test.advance(1);
    assert.deepEqual(bob.port.take(), frames.slice(0, 2));
    test.advance(50);
    assert.deepEqual(bob.port.take(), frames.slice(2));
    assert.deepEqual(
      [...test.hub.macTable()].map(({ port }) => port),
      ["SID-ALICE-1"],
    );
  });

  it("varies the delay, so that one may overtake another", () => {
    const { test, alice, bob } = pass({ delayMs: 100, jitterPercent: 50 });
    const [slow, fast] = [tcp4({ from: 1, to: 2 }), udp4({ from: 1, to: 2 })];
    test.random = 0.999;
    alice.send(slow);
    test.random = 0;
    alice.send(fast);
    test.advance(50);
    assert.deepEqual(bob.port.take(), [fast]);
    test.advance(98);
    assert.deepEqual(bob.port.take(), []);
    test.advance(2);
    assert.deepEqual(bob.port.take(), [slow]);
  });

  it("delays no more than so many bytes", () => {
    const { test, alice, bob, carol } = pass({ delayMs: 10_000 });
    const frame = udp4({ from: 1, to: 2 }, {}, Buffer.alloc(1514 - 42));
    const fit = Math.floor(hubLimits.delayedBytes / 2 / 1514);
    for (let count = 0; count < fit + 3; count++) alice.send(frame);
    assert.equal(alice.attachment.counters.drops.delayQueueFull, 3);
    const others = udp4({ from: 3, to: 2 }, {}, Buffer.alloc(1514 - 42));
    for (let count = 0; count < fit / 2 - 1; count++) carol.send(others);
    assert.equal(carol.attachment.counters.drops.delayQueueFull, 0, "half of the rest");
    test.advance(10_000);
    const released = bob.port.take().length;
    assert.ok(released > 0 && released <= hubLimits.releasedAtOnce);
    for (let turn = 0; turn * hubLimits.releasedAtOnce < 2 * fit; turn++) test.advance(1);
    assert.equal(bob.port.take().length, fit + Math.ceil(fit / 2 - 1) - released);
  });

  it("drops delayed frames of a port that is unplugged, and keeps those of others", () => {
    const { test, alice, bob, carol } = pass({ delayMs: 100 });
    alice.send(tcp4({ from: 1 }));
    carol.send(tcp4({ from: 3 }));
    alice.attachment.detach();
    test.advance(100);
    assert.deepEqual(bob.port.take(), [tcp4({ from: 3 })]);
    carol.send(tcp4({ from: 3 }));
    carol.attachment.detach();
    assert.deepEqual(test.timers, []);
  });

  it("answers HTTP requests with a redirect", () => {
    const rule = { destination: { ports: { first: 80, last: 80 } }, redirectUrl: "http://example.com/" };
    const { alice, bob } = hubWith([rule]);
    const packet = { from: 1, to: 2 };
    const request = tcp4(packet, { destinationPort: 80, payload: Buffer.from("GET / HTTP/1.1\r\n\r\n") });
    alice.send(request);
    const [answer] = alice.port.take();
    assert.match(
      answer?.toString("latin1", 54) ?? "",
      /^HTTP\/1\.1 302 Found\r\nLocation: http:\/\/example\.com\/\r\n/,
    );
    assert.equal(bob.port.take().length, 0);
    assert.equal(alice.attachment.counters.drops.redirected, 1);
    const bridge = hubWith([rule], {}, { kind: "local-bridge" });
    bridge.alice.send(request);
    assert.equal(bridge.alice.port.take().length, 0, "a bridge gets no answer");
    assert.equal(bridge.bob.port.take().length, 0);
  });
});
