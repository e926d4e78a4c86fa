import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const forwardingFile = "/proc/sys/net/ipv4/ip_forward";
const conntrackFolder = "/proc/sys/net/netfilter";
const conntrackPrefix = "nf_conntrack_";

/** What the kernel tells of its networks, and whether it forwards between them. A parameter type, so that tests can stand in for it. */
export interface KernelNetworks {
  /** Text of `/proc/net/route`. */
  routes(): Promise<string>;
  /** Names of the network interfaces. */
  interfaces(): Promise<string[]>;
  /** Whether IPv4 packets are forwarded from one interface to another. */
  forwards(): Promise<boolean>;
  setForwarding(on: boolean): Promise<void>;
  /** How many connections the kernel can follow; undefined where it follows none. */
  mostConnections(): Promise<number | undefined>;
  /** How many it follows now; undefined where it follows none. */
  followedConnections(): Promise<number | undefined>;
  /** Seconds of silence after which it forgets a connection, by what follows `net.netfilter.nf_conntrack_` in the name of the sysctl. */
  connectionTimeouts(): Promise<ReadonlyMap<string, number>>;
  /** Tables of iptables that nft does not show: those of its legacy form. */
  legacyTables(): Promise<string[]>;
  /** Of the boot of the machine; what was set in another one is no more. */
  bootId(): Promise<string>;
}

/** {@link KernelNetworks} of this host, in the network namespace of the process. */
export const kernelNetworks: KernelNetworks = {
  routes: () => readFile("/proc/net/route", "latin1"),
  interfaces: async () =>
    [...(await readFile("/proc/net/dev", "latin1")).matchAll(/^ *([^\s:]+):/gm)].map(([, name = ""]) => name),
  forwards: async () => (await readFile(forwardingFile, "latin1")).trim() === "1",
  setForwarding: (on) => writeFile(forwardingFile, on ? "1\n" : "0\n"),
  mostConnections: () => conntrackNumber("max"),
  followedConnections: () => conntrackNumber("count"),
  connectionTimeouts: async () => {
    const names = await readdir(conntrackFolder).catch(() => []);
    const timeouts = names.filter((name) => name.startsWith(conntrackPrefix) && name.includes("_timeout"));
    const read = async (name: string) =>
      [
        name.slice(conntrackPrefix.length),
        Number(await readFile(join(conntrackFolder, name), "latin1").catch(() => NaN)),
      ] as const;
    return new Map((await Promise.all(timeouts.map(read))).filter(([, seconds]) => seconds > 0));
  },
  legacyTables: async () =>
    (await readFile("/proc/net/ip_tables_names", "latin1").catch(() => "")).split("\n").filter(Boolean),
  bootId: async () => (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim(),
};

async function conntrackNumber(name: string): Promise<number | undefined> {
  const path = join(conntrackFolder, conntrackPrefix + name);
  return Number(await readFile(path, "latin1").catch(() => "")) || undefined;
}
