import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  kernelNatLimits,
  pingNatLimits,
  secureNatLimits,
  tcpNatLimits,
  udpNatLimits,
} from "../../../server/limits.ts";
import { KernelNat } from "../../../server/secure-nat/kernel-nat.ts";
import { PacketWriter } from "../../../server/secure-nat/packet-writer.ts";
import { Shares } from "../../../server/secure-nat/shares.ts";
import { Frame, tcpFlags } from "../../../server/ethernet/frame.ts";
import { client, defaultSecureNat, host, ip, readTcp, web, World } from "./world.ts";

const { syn, rst } = tcpFlags;
const share = (most: number) => most * secureNatLimits.sessionShare;
/** Another client of the same session for every few ports, so that no bound of a client is met. */
const clientOf = (index: number) => ({ ...client, address: client.address + (index % 60) });
const open = (world: World, index: number, session: number) =>
  world.receive(
    world.segment({ flags: syn }, "", { port: 1_024 + Math.floor(index / 60), from: clientOf(index) }),
    session,
  );
const isRefused = (answer: readonly Buffer[]) => answer.some((frame) => (frame[14 + 20 + 13] ?? 0) & rst);

describe("shares of sessions", () => {
  test("give the oldest of who has most, and not what is in use", () => {
    const shares = new Shares<{ source: number; usedAt: number }>(({ usedAt }) => usedAt);
    const entries = Array.from({ length: 100 }, (_, usedAt) => ({
      source: usedAt % 4 === 0 ? 2 : 1,
      usedAt,
    }));
    for (const entry of entries) shares.add(entry);
    assert.deepEqual([shares.largest(), shares.of(1), shares.of(2)], [1, 75, 25]);
    for (const entry of entries.slice(0, 5)) entry.usedAt = 1_000;
    assert.equal(shares.oldest(1), entries[5]);
    assert.equal(shares.inTheWay(2, 100, 100, 0.5), entries[5], "who has less takes from who has most");
    assert.equal(shares.inTheWay(3, 99, 100, 0.5), undefined, "there is room");
    for (const entry of entries.slice(8, 40)) shares.move(entry, 3);
    assert.deepEqual(
      [1, 2, 3].map((source) => shares.of(source)),
      [51, 17, 32],
    );
  });

  test("leave half of the connections to others, and let a newcomer in when all are taken", () => {
    const world = new World();
    for (const session of [1, 2]) {
      for (let index = 0; index < share(tcpNatLimits.connections); index++) {
        assert.equal(isRefused(open(world, session * 100_000 + index, session)), false);
        world.outside.at(-1)?.events.connected();
      }
      assert.equal(isRefused(open(world, session * 100_000 + 90_000, session)), true);
    }
    world.outside.length = 0;
    const { connections } = world.nat.counts().refused;
    assert.equal(isRefused(open(world, 777, 3)), true, "of the one that made room");
    assert.equal(world.nat.counts().refused.connections, connections + 1);
    assert.equal(world.outside.length, 1, "a newcomer is connected all the same");
    assert.equal(world.nat.counts().tcp, tcpNatLimits.connections);
    assert.equal(isRefused(open(world, 300_000, 1)), true, "who has as much as any is refused");
  });

  test("leave half of the UDP ports and of the echo requests to others", () => {
    const perClient = { ...defaultSecureNat.nat.perClient, udp: 0, ping: 0 };
    const world = new World({ ...defaultSecureNat, nat: { ...defaultSecureNat.nat, perClient } });
    const datagram = (index: number) => {
      const [frame] = world.datagram("x", { port: 1_024 + index, from: clientOf(index) });
      return frame ?? assert.fail();
    };
    world.receive(datagram(0), 2);
    for (let index = 1; index < 3 * share(udpNatLimits.mappings); index++) world.receive(datagram(index), 1);
    assert.equal(world.nat.counts().udp, share(udpNatLimits.mappings) + 1);
    assert.equal(world.udpSockets[0]?.isOpen, true);
    const ping = (index: number) => world.ping("x", { ...host, address: web }, [1, 2], clientOf(index));
    world.receive(ping(0), 2);
    for (let index = 1; index < 2_000; index++) world.receive(ping(index), 1);
    assert.equal(world.nat.counts().ping, share(pingNatLimits.waiting) + 1);
  });

  test("let another session's clients use the kernel when one has taken all places", () => {
    let sent = 0;
    const nat = new KernelNat({
      network: ip("198.18.16.0"),
      router: host,
      sendOutside: () => sent++,
      writer: new PacketWriter({ send: () => assert.fail(), soon: () => assert.fail() }),
      mostConnecting: 0,
      sendInside: () => {},
      mayReach: () => true,
      now: () => 0,
    });
    const world = new World();
    const send = (address: number, session: number) => {
      const bytes = world.segment({ flags: syn }, "", { from: { ...client, address } });
      const frame = new Frame();
      assert.ok(frame.read(bytes, 0, bytes.length));
      assert.ok(nat.receive(frame, session));
      nat.flush();
    };
    for (let index = 0; index < kernelNatLimits.clients + 5; index++) send(ip("10.0.0.1") + index, 1);
    assert.deepEqual([nat.clients, nat.refused, sent], [kernelNatLimits.clients, 5, kernelNatLimits.clients]);
    send(ip("10.9.0.1"), 2);
    assert.deepEqual(
      [nat.clients, nat.refused, sent],
      [kernelNatLimits.clients, 5, kernelNatLimits.clients + 1],
    );
  });

  test("say what is due, so that nobody looks for nothing", () => {
    const world = new World();
    assert.equal(world.nat.tick(), Infinity);
    world.receive(world.datagram("x")[0] ?? assert.fail());
    assert.equal(world.nat.tick(), defaultSecureNat.nat.udpTimeoutSeconds * 1_000);
    world.receive(world.segment({ sequence: 10, flags: syn }));
    world.outside[0]?.events.connected();
    assert.ok(readTcp(world.sent.at(-1)).flags & syn);
    assert.ok(world.nat.tick() <= 3_000, "what is not acknowledged is sent again");
  });
});
