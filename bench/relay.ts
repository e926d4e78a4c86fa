import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../test/lab/lab.ts";
import { VpnClient, type AccountOptions } from "../test/interop/support/vpn-client.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  cpuSeconds,
  measureRounds,
  printTable,
  startServers,
  type MeasuredServer,
} from "./support/servers.ts";

const rounds = 3;
const seconds = 6;
const addresses = ["10.9.0.1", "10.9.0.2"] as const;
/** SoftEther uses the UDP path only after ten seconds of answers. */
const accelerationDeadlineMs = 30_000;

/** The ways in which the clients connect. */
const ways = {
  "TCP, UDP acceleration off": { qos: false, udpAcceleration: false },
  "the client's defaults": { qos: true, udpAcceleration: true },
} as const satisfies Record<string, Partial<AccountOptions>>;

interface Round {
  readonly upMbps: number;
  readonly downMbps: number;
  /** Seconds of processor time per 10^9 bytes relayed. */
  readonly upCpu: number;
  readonly downCpu: number;
  readonly idlePingMs: number;
  readonly loadedPingMs: number;
}

/**
 * Two unmodified `vpnclient`s, one hub, one TCP stream of iperf3 between them, by our server and by SoftEther's in turn, in one
 * run on one machine. All ends are on it, so that the clients take most of the processor time.
 */
export async function measureRelay(): Promise<void> {
  await ensureDebianPackages(
    ["softether-vpnserver", "softether-vpnclient", "softether-vpncmd", "iperf3", "iproute2", "iputils-ping"],
    { purpose: "the benchmark", log: (line) => console.log(line) },
  );
  await using lab = await Lab.create();
  const [one, two] = await Promise.all([lab.station("one"), lab.station("two")]);
  const clients = [await VpnClient.start(one), await VpnClient.start(two)] as const;
  for (const index of [0, 1] as const) await clients[index].setAddress(`${addresses[index]}/24`);
  const servers = await startServers(lab);
  for (const [way, options] of Object.entries(ways)) {
    const results = await measureRounds(servers, { rounds, what: `${way}, round` }, (server) =>
      measureRound(clients, server, options),
    );
    console.log(`\n${way}: median of ${rounds}, ${seconds} s each\n`);
    printTable(rows, results);
  }
}

async function measureRound(
  clients: readonly [VpnClient, VpnClient],
  server: MeasuredServer,
  options: Partial<AccountOptions>,
): Promise<Round> {
  const [one, two] = clients;
  await Promise.all(
    (["one", "two"] as const).map((user, index) =>
      clients[index as 0 | 1].connect({ server: server.address, user, password: benchPassword, ...options }),
    ),
  );
  if (options.udpAcceleration === true) await untilAccelerated(one);
  if (!(await one.reaches(addresses[1]))) throw new Error("the clients do not reach each other");
  const idlePingMs = await averagePing(one, 50);
  const up = await transfer(one, two, server, []);
  const down = await transfer(one, two, server, ["-R"]);
  await Promise.all(clients.map((client) => client.disconnect()));
  return {
    upMbps: up.mbps,
    downMbps: down.mbps,
    upCpu: up.cpu,
    downCpu: down.cpu,
    idlePingMs,
    loadedPingMs: (up.pingMs + down.pingMs) / 2,
  };
}

/** Waits for the UDP path where the server offers one. */
async function untilAccelerated(client: VpnClient): Promise<void> {
  const deadline = performance.now() + accelerationDeadlineMs;
  for (;;) {
    const status = await client.status();
    if (status.get("UDP Acceleration is Supported") !== "Yes") return;
    if (status.get("UDP Acceleration is Active") === "Yes") return;
    if (performance.now() > deadline) throw new Error("UDP acceleration did not become active");
    await delay(500);
  }
}

/** One stream from the first client to the second, or back, with pings beside it. */
async function transfer(
  from: VpnClient,
  to: VpnClient,
  server: MeasuredServer,
  direction: readonly string[],
): Promise<{ mbps: number; cpu: number; pingMs: number }> {
  to.station.spawn("iperf3", ["-s", "-1"], { stdio: "ignore" });
  await to.until("iperf3 to listen", async () => {
    return (await to.station.run("ss", ["-Hltn", "sport = :5201"])).stdout.trim() !== "";
  });
  const before = await cpuSeconds(server);
  const pings = averagePing(from, seconds * 5, "0.2");
  const { stdout } = await from.station.run("iperf3", [
    "-c",
    addresses[1],
    "-t",
    String(seconds),
    "-J",
    ...direction,
  ]);
  const cpu = (await cpuSeconds(server)) - before;
  const { sum_received: received } = (
    JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } }
  ).end;
  return {
    mbps: received.bits_per_second / 1e6,
    cpu: cpu / (received.bytes / 1e9),
    pingMs: await pings,
  };
}

async function averagePing(client: VpnClient, count: number, interval = "0.02"): Promise<number> {
  const { stdout } = await client.station.run(
    "ping",
    ["-q", "-c", String(count), "-i", interval, addresses[1]],
    { check: false },
  );
  return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
}

const rows: readonly (readonly [string, keyof Round])[] = [
  ["Mbit/s up", "upMbps"],
  ["Mbit/s down", "downMbps"],
  ["server CPU s/GB up", "upCpu"],
  ["server CPU s/GB down", "downCpu"],
  ["ping idle, ms", "idlePingMs"],
  ["ping under load, ms", "loadedPingMs"],
];
