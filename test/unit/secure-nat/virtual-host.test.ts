import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { tcpFlags } from "../../../server/ethernet/frame.ts";
import { ip, defaultSecureNat, host, client, World, read } from "./world.ts";

const { syn } = tcpFlags;

describe("a virtual host", () => {
  test("answers who asks for its address, and nobody else's", () => {
    const world = new World();
    const ask = (target: number) =>
      Buffer.from(
        "ffffffffffff" +
          "020000000007" +
          "0806" +
          "0001080006040001" +
          "020000000007c0a81e0a" +
          "000000000000" +
          target.toString(16).padStart(8, "0"),
        "hex",
      );
    assert.equal(
      world.receive(ask(host.address))[0]?.toString("hex"),
      "0200000000075e00000000010806" + "0001080006040002" + "5e0000000001c0a81e01" + "020000000007c0a81e0a",
    );
    assert.deepEqual(world.receive(ask(host.address + 1)), []);
  });

  test("answers ping with what it was sent", () => {
    const world = new World();
    const answer = world.receive(world.ping("anybody there?"))[0];
    const { icmpType, transportAt, packetEnd, sourceIp3 } = read(answer);
    assert.deepEqual([icmpType, sourceIp3 >>> 0], [0, host.address]);
    assert.equal(answer?.toString("hex", transportAt + 4, transportAt + 8), "00050006");
    assert.equal(answer?.toString("latin1", transportAt + 8, packetEnd), "anybody there?");
  });

  test("takes nothing that is damaged, or of another network", () => {
    const world = new World();
    for (const at of [20, 40]) {
      const frame = world.ping("x".repeat(20));
      frame[at] = (frame[at] ?? 0) ^ 1;
      assert.deepEqual(world.receive(frame), [], `byte ${at}`);
    }
    const elsewhere = world.segment({ flags: syn }, "", { from: { ...client, address: ip("10.0.0.7") } });
    assert.deepEqual(world.receive(elsewhere), []);
    assert.deepEqual(world.outside, []);
  });

  test("is undisturbed by noise, in whole and in part", () => {
    const world = new World();
    const frames = [world.ping("x".repeat(30)), world.segment({ flags: syn, mss: 1_460 })];
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(change, { maxLength: 5 }),
        fc.nat(),
        (frame, changes, cut) => {
          const bytes = Buffer.from(frame);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          world.receive(bytes.subarray(0, bytes.length - (cut % 20)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("what is switched off", () => {
  test("is not there, and the rest is", () => {
    const world = new World({
      ...defaultSecureNat,
      nat: { ...defaultSecureNat.nat, enabled: false },
      dhcp: { ...defaultSecureNat.dhcp, enabled: false },
    });
    assert.deepEqual(world.receive(world.segment({ flags: syn })), []);
    assert.deepEqual(world.receive(world.datagram("x")[0] ?? assert.fail()), []);
    assert.deepEqual([world.outside, world.udpSockets], [[], []]);
    assert.equal(world.receive(world.ping("x")).length, 1);
    assert.deepEqual(world.nat.counts(), {
      tcp: 0,
      udp: 0,
      dns: 0,
      ping: 0,
      leases: 0,
      refused: { connections: 0, udpPackets: 0, questions: 0, pings: 0 },
    });
  });
});
