import { Lab } from "../test/lab/lab.ts";
import type { Namespace } from "../test/lab/namespace.ts";
import { VpnClient } from "../test/interop/support/vpn-client.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  cpuSeconds,
  measureRounds,
  printTable,
  roundsOf,
  startServers,
} from "./support/servers.ts";
import type { MeasuredServer } from "./support/servers.ts";
import { highestRate, PacketCounter } from "./support/packet-rate.ts";

const rounds = roundsOf(3);
const seconds = 4;
const addresses = { client: "10.9.0.1", lan: "10.9.0.2", host: "10.9.0.3" } as const;
let nextPort = 5_201;

/** A place with an address in the hub's network. */
interface End {
  readonly station: Namespace;
  readonly address: string;
}

/** From which end to which; `up` is from the first one. */
interface Ends {
  readonly from: End;
  readonly to: End;
}

/** A host behind each server, with a cable between them. */
type Surroundings = ReadonlyMap<MeasuredServer, Namespace>;

interface Round {
  readonly up1: number;
  readonly down1: number;
  readonly up8: number;
  readonly down8: number;
  /** Seconds of the server's processor time per 10^9 bytes of one stream. */
  readonly upCpu: number;
  readonly downCpu: number;
  /** Small datagrams a second that all arrive. */
  readonly upPackets: number;
  readonly downPackets: number;
  /** Microseconds of the server's processor time for each of them. */
  readonly upPacketCpu: number;
  readonly downPacketCpu: number;
  readonly idlePingMs: number;
  readonly loadedPingMs: number;
}

/** The ways through the hub: the first two by an unmodified `vpnclient`, the last one by the hub's devices alone. */
const ways = {
  "a client and a host behind an interface": "client-lan",
  "a client and the server's host, by a TAP": "client-tap",
  "the server's host, by a TAP, and a host behind an interface": "tap-lan",
} as const;

const chosenWays = process.env["BENCH_WAYS"]?.split(",");

/**
 * A hub that is bridged to a veth and to a TAP, by our server and by SoftEther's in turn, in one run on one machine: what goes through
 * it between a client, the host of the server, and a host behind the veth.
 */
export async function measureBridge(): Promise<void> {
  await ensureDebianPackages(
    [
      "softether-vpnserver",
      "softether-vpnclient",
      "softether-vpncmd",
      "iperf3",
      "iproute2",
      "iputils-ping",
      "ethtool",
      "nftables",
    ],
    { purpose: "the benchmark", log: (line) => console.log(line) },
  );
  await using lab = await Lab.create();
  const client = await VpnClient.start(await lab.station("client"));
  await client.setAddress(`${addresses.client}/24`);
  const servers = await startServers(lab);
  const surroundings = new Map<MeasuredServer, Namespace>();
  for (const [name, server] of servers) {
    const lan = await lab.station(`lan-${name.toLowerCase()}`);
    await bridge(server, lan);
    surroundings.set(server, lan);
  }
  for (const [title, way] of Object.entries(ways)) {
    if (chosenWays?.includes(way) === false) continue;
    const results = await measureRounds(servers, { rounds, what: `${title}, round` }, (server) =>
      measureRound(way, client, server, surroundings),
    );
    console.log(`\nBetween ${title}: median of ${rounds}, ${seconds} s each\n`);
    printTable(rows, results);
  }
}

/** Lays a cable from the server's host to the one behind it, and joins both it and the server's host to the hub. */
async function bridge({ station }: MeasuredServer, lan: Namespace): Promise<void> {
  await station.run("ip", ["link", "add", "near", "type", "veth", "peer", "name", "far", "netns", lan.name]);
  // What comes is as from a wire: whole, with checksums.
  await lan.run("ethtool", ["-K", "far", "tx", "off", "tso", "off", "gso", "off"]);
  await station.run("ip", ["link", "set", "near", "up"]);
  await lan.run("ip", ["link", "set", "far", "up"]);
  await receiveAsACard(station, "near");
  await lan.run("ip", ["address", "add", `${addresses.lan}/24`, "dev", "far"]);
  for (const device of [
    ["/DEVICE:near", "/TAP:no"],
    ["/DEVICE:bench", "/TAP:yes"],
  ]) {
    await station.run("vpncmd", ["localhost:5555", "/SERVER", "/CMD", "BridgeCreate", "DEFAULT", ...device]);
  }
}

/**
 * Has a veth receive as a network card does. It merges frames of a flow, as the cards' drivers do by default (SoftEther takes single
 * frames only, and turns that off by itself), and does so in a thread of the kernel, not in the time of whoever sends.
 */
async function receiveAsACard(station: Namespace, device: string): Promise<void> {
  await station.run("ethtool", ["-K", device, "gro", "on"]);
  await station.run("sh", ["-c", `echo 1 > /sys/class/net/${device}/threaded`]);
}

/** Gives the TAP its address. SoftEther makes it twice: once to see whether it can. */
async function setAddressOfHost({ station }: MeasuredServer): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (const words of [
    ["address", "replace", `${addresses.host}/24`, "dev", "tap_bench"],
    ["link", "set", "tap_bench", "up"],
  ]) {
    while ((await station.run("ip", words, { check: false })).code !== 0) {
      if (performance.now() > deadline) throw new Error(`${station.name} has no tap_bench`);
    }
  }
}

async function measureRound(
  way: (typeof ways)[keyof typeof ways],
  client: VpnClient,
  server: MeasuredServer,
  surroundings: Surroundings,
): Promise<Round> {
  await setAddressOfHost(server);
  const ends = {
    client: { station: client.station, address: addresses.client },
    tap: { station: server.station, address: addresses.host },
    lan: { station: surroundings.get(server) as Namespace, address: addresses.lan },
  } as const;
  const [from, to] = way.split("-") as [keyof typeof ends, keyof typeof ends];
  const between = { from: ends[from], to: ends[to] };
  if (from === "client") {
    await client.connect({ server: server.address, user: "one", password: benchPassword });
    // The hosts of another server have other MAC addresses.
    await client.station.run("ip", ["neigh", "flush", "all"]);
  }
  try {
    return await measureBetween(between, server);
  } finally {
    if (from === "client") await client.disconnect();
  }
}

async function measureBetween(ends: Ends, server: MeasuredServer): Promise<Round> {
  await untilReached(ends);
  const idlePingMs = await averagePing(ends, 50);
  const up = await transfer(ends, server, []);
  const down = await transfer(ends, server, ["-R"]);
  const up8 = await transfer(ends, server, ["-P", "8"]);
  const down8 = await transfer(ends, server, ["-P", "8", "-R"]);
  const upPackets = await packets(ends, server);
  const downPackets = await packets({ from: ends.to, to: ends.from }, server);
  return {
    up1: up.mbps,
    down1: down.mbps,
    up8: up8.mbps,
    down8: down8.mbps,
    upCpu: up.cpu,
    downCpu: down.cpu,
    upPackets: upPackets.perSecond,
    downPackets: downPackets.perSecond,
    upPacketCpu: upPackets.cpuMicroseconds,
    downPacketCpu: downPackets.cpuMicroseconds,
    idlePingMs,
    loadedPingMs: (up.pingMs + down.pingMs) / 2,
  };
}

async function untilReached({ from, to }: Ends): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const { code } = await from.station.run("ping", ["-c1", "-W1", to.address], { check: false });
    if (code === 0) return;
    if (performance.now() > deadline) throw new Error(`${to.address} is not reached`);
  }
}

/** Starts iperf3 at an end, and gives its port: another one each time, since the former iperf3 may be about to end. */
async function listen({ station }: End): Promise<string> {
  const port = String(nextPort++);
  station.spawn("iperf3", ["-s", "-1", "-p", port], { stdio: "ignore" });
  const deadline = performance.now() + 10_000;
  while ((await station.run("ss", ["-Hltn", `sport = :${port}`])).stdout.trim() === "") {
    if (performance.now() > deadline) throw new Error("iperf3 does not listen");
  }
  return port;
}

async function transfer(
  ends: Ends,
  server: MeasuredServer,
  options: readonly string[],
): Promise<{ mbps: number; cpu: number; pingMs: number }> {
  const { from, to } = ends;
  const port = await listen(to);
  const before = await cpuSeconds(server);
  const pings = averagePing(ends, seconds * 5, "0.2");
  const words = ["-c", to.address, "-p", port, "-t", String(seconds), "-J", ...options];
  const { stdout } = await from.station.run("iperf3", words);
  const cpu = (await cpuSeconds(server)) - before;
  const { sum_received: received } = (
    JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } }
  ).end;
  return { mbps: received.bits_per_second / 1e6, cpu: cpu / (received.bytes / 1e9), pingMs: await pings };
}

/** Of datagrams with 64 bytes. */
async function packets(
  { from, to }: Ends,
  server: MeasuredServer,
): Promise<{ perSecond: number; cpuMicroseconds: number }> {
  const payloadBytes = 64;
  // Long enough that what waits in queues is little of it.
  const stepSeconds = 2;
  return highestRate(async (perSecond) => {
    const port = await listen(to);
    await using sent = await PacketCounter.start(from.station, "output", port);
    await using received = await PacketCounter.start(to.station, "input", port);
    const before = await cpuSeconds(server);
    const bits = String(Math.round(perSecond * payloadBytes * 8));
    const words = ["-u", "-c", to.address, "-p", port, "-b", bits, "-l", String(payloadBytes)];
    await from.station.run("iperf3", [...words, "-t", String(stepSeconds)], { check: false });
    const cpu = (await cpuSeconds(server)) - before;
    const counts = { sent: await sent.read(payloadBytes), received: await received.read(payloadBytes) };
    return { ...counts, seconds: stepSeconds, cpuSeconds: cpu };
  });
}

async function averagePing({ from, to }: Ends, count: number, interval = "0.02"): Promise<number> {
  const words = ["-q", "-c", String(count), "-i", interval, to.address];
  const { stdout } = await from.station.run("ping", words, { check: false });
  return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
}

const rows: readonly (readonly [string, keyof Round])[] = [
  ["Mbit/s up, 1 stream", "up1"],
  ["Mbit/s down, 1 stream", "down1"],
  ["Mbit/s up, 8 streams", "up8"],
  ["Mbit/s down, 8 streams", "down8"],
  ["server CPU s/GB up", "upCpu"],
  ["server CPU s/GB down", "downCpu"],
  ["packets a second up", "upPackets"],
  ["packets a second down", "downPackets"],
  ["server CPU µs/packet up", "upPacketCpu"],
  ["server CPU µs/packet down", "downPacketCpu"],
  ["ping idle, ms", "idlePingMs"],
  ["ping under load, ms", "loadedPingMs"],
];
