import { setTimeout as delay } from "node:timers/promises";
import { Lab } from "../test/lab/lab.ts";
import type { Namespace } from "../test/lab/namespace.ts";
import { until } from "../test/processes/try-server.ts";
import { VpnClient } from "../test/interop/support/vpn-client.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  cpuSeconds,
  measureRounds,
  printTable,
  residentMb,
  roundsOf,
  startServers,
  type MeasuredServer,
} from "./support/servers.ts";

const rounds = roundsOf(3);
const seconds = 6;
let nextPort = 5_201;
const router = "192.168.30.1";
const address = "192.168.30.210/24";
/** Of the other client, for the plain relay between the two. */
const relayAddress = "192.168.30.211/24";

interface Round {
  readonly up1: number;
  readonly down1: number;
  readonly up8: number;
  readonly down8: number;
  /** Seconds of the server's processor time per 10^9 bytes. */
  readonly upCpu: number;
  readonly downCpu: number;
  readonly connections: number;
  readonly failed: number;
  /** Connections that were open at the same time and answered, and the memory meanwhile. */
  readonly held: number;
  readonly heldMb: number;
  readonly residentMb: number;
  /** Mbit/s from one client to another of the hub, 1 stream. */
  readonly relay: number;
}

/**
 * One unmodified `vpnclient`, a hub with SecureNAT, and a host outside with iperf3 and a small web server, by our server and by
 * SoftEther's in turn, in one run on one machine.
 */
export async function measureNat(): Promise<void> {
  await ensureDebianPackages(
    [
      "softether-vpnserver",
      "softether-vpnclient",
      "softether-vpncmd",
      "iperf3",
      "iproute2",
      "iputils-ping",
      "slirp4netns",
    ],
    { purpose: "the benchmark", log: (line) => console.log(line) },
  );
  await using lab = await Lab.create();
  const [one, two, outside] = await Promise.all([
    lab.station("one"),
    lab.station("two"),
    lab.station("outside"),
  ]);
  const clients = [await VpnClient.start(one), await VpnClient.start(two)] as const;
  await clients[0].setAddress(address);
  await clients[1].setAddress(relayAddress);
  const servers = await startServers(lab, { secureNat: { gateway: outside.address } });
  const results = await measureRounds(servers, { rounds, what: "round" }, (server) =>
    measureRound(clients, outside, server),
  );
  console.log(`\nSecureNAT: median of ${rounds}, ${seconds} s each\n`);
  printTable(rows, results);
  await measureSlirp(lab, outside);
}

/** The user-mode NAT that rootless containers have, without a VPN: from a namespace to the same host. */
async function measureSlirp(lab: Lab, outside: Namespace): Promise<void> {
  const [guest, host] = await Promise.all([lab.station("guest"), lab.station("slirp")]);
  await guest.run("ip", ["link", "del", "eth0"]);
  const slirp = host.spawn(
    "slirp4netns",
    ["--configure", "--mtu=1500", "--netns-type=path", `/run/netns/${guest.name}`, "tap0"],
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  const { pid } = slirp;
  if (pid === undefined) throw new Error("slirp4netns does not start");
  try {
    const server = { address: "", station: host, pids: [pid], workerPid: pid };
    await until("a way out by slirp4netns", async () => {
      return (await guest.run("ping", ["-c", "1", "-W", "1", "10.0.2.2"], { check: false })).code === 0;
    });
    for (const options of [[], ["-R"], ["-P", "8"], ["-P", "8", "-R"]]) {
      const { mbps, cpu } = await transfer(guest, outside, server, options);
      console.log(
        `slirp4netns, iperf3 ${options.join(" ") || "up"}: ${mbps.toFixed(0)} Mbit/s, ${cpu.toFixed(1)} CPU s/GB`,
      );
    }
  } finally {
    slirp.kill();
  }
}

async function measureRound(
  [client, other]: readonly [VpnClient, VpnClient],
  outside: Namespace,
  server: MeasuredServer,
): Promise<Round> {
  await client.connect({ server: server.address, user: "one", password: benchPassword });
  // The card was down meanwhile, and its routes with it.
  await client.setAddress(address);
  await client.station.run("ip", ["route", "replace", outside.address, "via", router]);
  if (!(await client.reaches(router))) throw new Error("the client does not reach the virtual host");
  const { station } = client;
  const up = await transfer(station, outside, server, []);
  const down = await transfer(station, outside, server, ["-R"]);
  const up8 = await transfer(station, outside, server, ["-P", "8"]);
  const down8 = await transfer(station, outside, server, ["-P", "8", "-R"]);
  const { perSecond, failed } = await connect(station, outside);
  const held = await hold(station, outside, server);
  await other.connect({ server: server.address, user: "two", password: benchPassword });
  await other.setAddress(relayAddress);
  const relay = await transfer(station, other.station, server, [], relayAddress.split("/")[0]);
  await Promise.all([client.disconnect(), other.disconnect()]);
  return {
    relay: relay.mbps,
    ...held,
    up1: up.mbps,
    down1: down.mbps,
    up8: up8.mbps,
    down8: down8.mbps,
    upCpu: up.cpu,
    downCpu: down.cpu,
    connections: perSecond,
    failed,
  };
}

async function transfer(
  from: Namespace,
  to: Namespace,
  server: MeasuredServer,
  options: readonly string[],
  address = to.address,
): Promise<{ mbps: number; cpu: number }> {
  // Another port each time: the former iperf3 may be about to end.
  const port = String(nextPort++);
  to.spawn("iperf3", ["-s", "-1", "-p", port], { stdio: "ignore" });
  await until("iperf3 to listen", async () => {
    return (await to.run("ss", ["-Hltn", `sport = :${port}`])).stdout.trim() !== "";
  });
  const before = await cpuSeconds(server);
  const words = ["-c", address, "-p", port, "-t", String(seconds), "-J", ...options];
  const { stdout } = await from.run("iperf3", words);
  const cpu = (await cpuSeconds(server)) - before;
  const { sum_received: received } = (
    JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } }
  ).end;
  return { mbps: received.bits_per_second / 1e6, cpu: cpu / (received.bytes / 1e9) };
}

const connectionsPort = 8081;
const heldPort = 8082;
/** After all connections were closed, until memory is looked at again. */
const settleMs = 5_000;
const atOnce = 50;
const connectionCount = 2_000;

/** Opens connections, takes 1 KB of each, and closes them. */
async function connect(
  client: Namespace,
  outside: Namespace,
): Promise<{ perSecond: number; failed: number }> {
  const serve = `require("net").createServer((s) => { s.on("error", () => {}); s.end(Buffer.alloc(1024)); })
    .listen(${connectionsPort}, () => console.log("ready")); process.stdin.resume().once("end", () => process.exit());`;
  const child = outside.spawn(process.execPath, ["-e", serve], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    const ask = `const net = require("net"); let left = ${connectionCount}, failed = 0, open = 0, begin = performance.now();
      const next = () => { while (left > 0 && open < ${atOnce}) { left--; open++; let bytes = 0;
        const s = net.connect(${connectionsPort}, "${outside.address}");
        s.setTimeout(10000, () => s.destroy(new Error("late")));
        s.on("data", (b) => bytes += b.length).on("error", () => {})
          .on("close", () => { if (bytes !== 1024) failed++; open--; next(); }); }
        if (left === 0 && open === 0) { console.log(JSON.stringify({ failed, ms: performance.now() - begin })); left = -1; } };
      next();`;
    const { stdout } = await client.run(process.execPath, ["-e", ask]);
    const { failed, ms } = JSON.parse(stdout) as { failed: number; ms: number };
    return { perSecond: connectionCount / (ms / 1_000), failed };
  } finally {
    child.stdin?.end();
  }
}

const heldCount = 5_000;

/** Opens connections and holds them, then closes them all. */
async function hold(
  client: Namespace,
  outside: Namespace,
  server: MeasuredServer,
): Promise<Pick<Round, "held" | "heldMb" | "residentMb">> {
  const serve = `require("net").createServer((s) => { s.on("error", () => {}); s.on("data", (b) => s.write(b)); })
    .listen({ port: ${heldPort}, backlog: 511 }, () => console.log("ready"));
    process.stdin.resume().once("end", () => process.exit());`;
  const listener = outside.spawn("sh", ["-c", `ulimit -n 20000; exec "$0" -e '${serve}'`, process.execPath], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ask = `const net = require("net"); const all = []; let started = 0, answered = 0;
    const next = () => { if (started++ < ${heldCount}) { const s = net.connect(${heldPort}, "${outside.address}", () => s.write("x"));
      s.setTimeout(20000, () => s.destroy()); let isAnswered = false;
      s.on("data", () => { if (!isAnswered) { isAnswered = true; s.setTimeout(0); answered++; next(); } }).on("error", () => next()); all.push(s); }
      else if (started === ${heldCount} + ${atOnce}) { console.log(answered); } };
    for (let i = 0; i < ${atOnce}; i++) next(); process.stdin.resume().once("end", () => process.exit());`;
  try {
    await new Promise((resolve) => listener.stdout?.once("data", resolve));
    const holder = client.spawn("sh", ["-c", `ulimit -n 20000; exec "$0" -e '${ask}'`, process.execPath], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const held = await new Promise<number>((resolve) =>
      holder.stdout?.once("data", (text: Buffer) => resolve(Number(text.toString()))),
    );
    const heldMb = await residentMb(server);
    holder.stdin?.end();
    await delay(settleMs);
    return { held, heldMb, residentMb: await residentMb(server) };
  } finally {
    listener.stdin?.end();
  }
}

const rows: readonly (readonly [string, keyof Round])[] = [
  ["Mbit/s up, 1 stream", "up1"],
  ["Mbit/s down, 1 stream", "down1"],
  ["Mbit/s up, 8 streams", "up8"],
  ["Mbit/s down, 8 streams", "down8"],
  ["server CPU s/GB up", "upCpu"],
  ["server CPU s/GB down", "downCpu"],
  ["connections a second", "connections"],
  ["of these failed", "failed"],
  ["5,000 held open: answered", "held"],
  ["memory meanwhile, MB", "heldMb"],
  ["memory afterwards, MB", "residentMb"],
  ["relay beside, Mbit/s", "relay"],
];
