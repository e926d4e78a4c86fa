import { Lab } from "../test/lab/lab.ts";
import type { Namespace } from "../test/lab/namespace.ts";
import { VpnClient } from "../test/interop/support/vpn-client.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import {
  benchPassword,
  cpuSeconds,
  measureRounds,
  printTable,
  residentMb,
  startServers,
  type MeasuredServer,
} from "./support/servers.ts";

const rounds = 3;
const seconds = 6;
let nextPort = 5_201;
const router = "192.168.30.1";
const address = "192.168.30.210/24";

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
  readonly residentMb: number;
}

/**
 * One unmodified `vpnclient`, a hub with SecureNAT, and a host outside with iperf3 and a small web server, by our server and by
 * SoftEther's in turn, in one run on one machine.
 */
export async function measureNat(): Promise<void> {
  await ensureDebianPackages(
    ["softether-vpnserver", "softether-vpnclient", "softether-vpncmd", "iperf3", "iproute2", "iputils-ping"],
    { purpose: "the benchmark", log: (line) => console.log(line) },
  );
  await using lab = await Lab.create();
  const [one, outside] = await Promise.all([lab.station("one"), lab.station("outside")]);
  const client = await VpnClient.start(one);
  await client.setAddress(address);
  const servers = await startServers(lab, true);
  const results = await measureRounds(servers, { rounds, what: "round" }, (server) =>
    measureRound(client, outside, server),
  );
  console.log(`\nSecureNAT: median of ${rounds}, ${seconds} s each\n`);
  printTable(rows, results);
}

async function measureRound(client: VpnClient, outside: Namespace, server: MeasuredServer): Promise<Round> {
  await client.connect({ server: server.address, user: "one", password: benchPassword });
  // The card was down meanwhile, and its routes with it.
  await client.setAddress(address);
  await client.station.run("ip", ["route", "replace", outside.address, "via", router]);
  if (!(await client.reaches(router))) throw new Error("the client does not reach the virtual host");
  const up = await transfer(client, outside, server, []);
  const down = await transfer(client, outside, server, ["-R"]);
  const up8 = await transfer(client, outside, server, ["-P", "8"]);
  const down8 = await transfer(client, outside, server, ["-P", "8", "-R"]);
  const { perSecond, failed } = await connect(client, outside);
  const memory = await residentMb(server);
  await client.disconnect();
  return {
    up1: up.mbps,
    down1: down.mbps,
    up8: up8.mbps,
    down8: down8.mbps,
    upCpu: up.cpu,
    downCpu: down.cpu,
    connections: perSecond,
    failed,
    residentMb: memory,
  };
}

async function transfer(
  client: VpnClient,
  outside: Namespace,
  server: MeasuredServer,
  options: readonly string[],
): Promise<{ mbps: number; cpu: number }> {
  // Another port each time: the former iperf3 may be about to end.
  const port = String(nextPort++);
  outside.spawn("iperf3", ["-s", "-1", "-p", port], { stdio: "ignore" });
  await client.until("iperf3 to listen", async () => {
    return (await outside.run("ss", ["-Hltn", `sport = :${port}`])).stdout.trim() !== "";
  });
  const before = await cpuSeconds(server);
  const words = ["-c", outside.address, "-p", port, "-t", String(seconds), "-J", ...options];
  const { stdout } = await client.station.run("iperf3", words);
  const cpu = (await cpuSeconds(server)) - before;
  const { sum_received: received } = (
    JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } }
  ).end;
  return { mbps: received.bits_per_second / 1e6, cpu: cpu / (received.bytes / 1e9) };
}

const connectionsPort = 8081;
const atOnce = 50;
const connectionCount = 2_000;

/** Opens connections, takes 1 KB of each, and closes them. */
async function connect(
  client: VpnClient,
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
    const { stdout } = await client.station.run(process.execPath, ["-e", ask]);
    const { failed, ms } = JSON.parse(stdout) as { failed: number; ms: number };
    return { perSecond: connectionCount / (ms / 1_000), failed };
  } finally {
    child.stdin?.end();
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
  ["memory afterwards, MB", "residentMb"],
];
