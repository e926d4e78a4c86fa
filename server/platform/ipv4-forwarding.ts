import { readFile, writeFile } from "node:fs/promises";

const forwardingFile = "/proc/sys/net/ipv4/ip_forward";

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
  mostConnections: async () => {
    const text = await readFile("/proc/sys/net/netfilter/nf_conntrack_max", "latin1").catch(() => "");
    return Number(text) || undefined;
  },
  bootId: async () => (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim(),
};
