import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { tcpNatLimits } from "../../server/limits.ts";
import { startChild } from "./support/child.ts";
import { NatStations, natRouter } from "./support/nat-stations.ts";
import { oddPorts } from "./support/odd-ports.ts";
import { someBytes } from "./support/some-bytes.ts";
import type { TcpClientOptions, TcpClientOutcome } from "./support/tcp-client.ts";

/** Bytes that are more than all buffers on the way. */
const manyBytes = 50_000_000;
/** Where packets get lost without a word, in the network outside. */
const silentPort = 8_090;
const nobodysPort = 8_091;

describe("a destination outside of a NAT by sockets", () => {
  let stations: NatStations;
  let nat: Awaited<ReturnType<NatStations["startNat"]>>;
  let server: ReturnType<typeof startChild>;
  before(async () => {
    stations = await NatStations.create();
    await stations.web.run("nft", [
      "add table ip silent; add chain ip silent input { type filter hook input priority 0; }; " +
        `add rule ip silent input tcp dport ${silentPort} drop`,
    ]);
    // A host waits for more than two minutes by default; this one gives up after 3 s.
    await stations.nat.run("sh", ["-c", "echo 1 >/proc/sys/net/ipv4/tcp_syn_retries"]);
    nat = await stations.startNat();
    await stations.giveAddress();
    server = startChild(stations.web, "odd-server.ts");
    assert.equal(await server.nextLine(), "ready");
  });
  after(async () => {
    await server?.end();
    await nat?.end();
    await stations.dispose();
  });
  beforeEach(() => untilForgotten());

  async function untilForgotten(left = 0): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (let count = Infinity; count > left; count = await open())
      assert.ok(performance.now() < deadline, `${count} connections are left`);
  }

  /** Connections that are not over. */
  async function open(): Promise<number> {
    const { tcp, ended } = await nat.counts();
    return tcp - ended;
  }

  /** What became of connections of the client, in the order in which they ended. */
  async function connect(options: Partial<TcpClientOptions>): Promise<TcpClientOutcome[]> {
    const child = startChild(stations.behind, "tcp-client.ts", [
      JSON.stringify({ address: stations.web.address, port: nobodysPort, ...options }),
    ]);
    const outcomes: TcpClientOutcome[] = [];
    for (let count = options.count ?? 1; count > 0; count--)
      outcomes.push(JSON.parse((await child.nextLine()) ?? "") as TcpClientOutcome);
    assert.equal(await child.end(), 0);
    return outcomes;
  }
  const connectOnce = async (options: Partial<TcpClientOptions>) =>
    (await connect(options))[0] ?? assert.fail();

  /** What the other end says of a connection that is over. */
  const heard = async () =>
    JSON.parse((await server.nextLine()) ?? "") as { port: number; hash: string; end: string };

  test("that refuses, or that no way leads to, is refused at once", async () => {
    const unreachable = "203.0.113.9";
    await stations.nat.run("ip", ["route", "add", "unreachable", unreachable]);
    await stations.behind.run("ip", ["route", "add", unreachable, "via", natRouter]);
    for (const address of [stations.web.address, unreachable]) {
      const { end, ms } = await connectOnce({ address });
      assert.equal(end, "ECONNREFUSED", address);
      assert.ok(ms < 2_900, `${address}: ${ms} ms`);
    }
  });

  test("that breaks off in the middle breaks off for the client too", async () => {
    const outcome = await connectOnce({ port: oddPorts.resetsInTheMiddle, bytes: 1, endsLast: true });
    assert.deepEqual([outcome.connected, outcome.ended, outcome.end], [true, false, "ECONNRESET"]);
    assert.equal((await heard()).port, oddPorts.resetsInTheMiddle);
  });

  test("gets to know that the client breaks off", async () => {
    await connectOnce({ port: oddPorts.endsFirst, resetsAfter: 1, endsLast: true });
    assert.deepEqual((await heard()).end, "ECONNRESET");
  });

  test("that has said everything hears the client to its end", async () => {
    const outcome = await connectOnce({ port: oddPorts.endsFirst, bytes: 5_000_000, endsLast: true });
    assert.deepEqual([outcome.text, outcome.ended, outcome.end], ["bye", true, "done"]);
    assert.deepEqual(await heard(), { port: oddPorts.endsFirst, hash: hashOf(5_000_000), end: "done" });
  });

  test("answers a client that has said everything", async () => {
    const outcome = await connectOnce({ port: oddPorts.endsLast, bytes: 5_000_000 });
    assert.deepEqual([outcome.text, outcome.ended, outcome.end], ["5000000 bytes", true, "done"]);
    assert.deepEqual(await heard(), { port: oddPorts.endsLast, hash: hashOf(5_000_000), end: "done" });
  });

  test("that reads nothing keeps its client waiting, others not, and gets every byte when it reads", async () => {
    const waiting = connectOnce({ port: oddPorts.readsLater, bytes: manyBytes });
    while ((await open()) === 0);
    const other = await connectOnce({ port: oddPorts.endsLast, bytes: 1_000 });
    assert.equal(other.text, "1000 bytes");
    assert.equal((await heard()).port, oddPorts.endsLast);
    await untilForgotten(1);
    assert.equal(await open(), 1);
    server.write("read");
    assert.equal((await waiting).end, "done");
    assert.deepEqual(await heard(), { port: oddPorts.readsLater, hash: hashOf(manyBytes), end: "done" });
  });

  test("that never answers holds only so many places of a client, is given up, and then all is as before", async () => {
    const { connecting } = tcpNatLimits;
    const beyond = 20;
    const hanging = connect({ port: silentPort, count: connecting + beyond });
    while ((await open()) < connecting);
    // The virtual host itself answers meanwhile.
    const ping = ["-q", "-c", "5", "-i", "0.05", "-W", "2", natRouter];
    assert.match((await stations.behind.run("ping", ping)).stdout, / 0% packet loss/);
    const outcomes = await hanging;
    assert.ok(outcomes.every(({ connected, end }) => !connected && end === "ECONNREFUSED"));
    // The host gives up after 3 s; who had no place was refused before.
    assert.ok(outcomes.filter(({ ms }) => ms >= 2_900).length >= connecting);
    assert.equal((await nat.counts()).refused.connections, beyond);
    // The client may have asked once more in the moment in which it was refused.
    await untilForgotten();
    const again = await connectOnce({ port: oddPorts.endsLast, bytes: 1_000 });
    assert.equal(again.text, "1000 bytes");
  });
});

function hashOf(bytes: number): string {
  const hash = createHash("sha256");
  for (const each of someBytes(bytes)) hash.update(each);
  return hash.digest("hex");
}
