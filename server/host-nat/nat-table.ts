import { formatIpv4Network, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import { natDevicePrefix } from "../packet-device/tap.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";
import { probeTargets } from "./probe.ts";

export interface NatTableOptions {
  /** Of the table of nftables that is this server's alone. */
  readonly name: string;
  /** What the kernel sees behind each of our interfaces. */
  readonly networks: readonly Ipv4Network[];
  /** Connections of all clients of a hub, and of one. */
  readonly connections: number;
  readonly perClient: number;
  /** Interfaces between which nothing is forwarded: those of a host that forwarded nothing before. */
  readonly apart: readonly string[];
}

/** The commands of nft that take our table away where it is, in one transaction with what follows. */
export function dropTable(name: string): string {
  return `table ip ${name} {}\ndelete table ip ${name}\n`;
}

/**
 * The commands of nft that make our table anew. It adds to what other tables do: it lets nothing pass that they stop, and stops only what
 * concerns our interfaces.
 */
export function natTable({ name, networks, connections, perClient, apart }: NatTableOptions): string {
  const ours = `"${natDevicePrefix}*"`;
  const names = apart.map((each) => `"${each}"`).join(", ");
  const sources = networks.map(formatIpv4Network);
  const probes = networks.map(({ network }) => formatIpv4(network + outerNetwork.probe));
  const answered = `ip daddr ${formatIpv4(probeTargets.answered)} tcp dport ${probeTargets.port}`;
  const lines = [
    `table ip ${name} {`,
    ...sources.map((_, index) => `set clients${index} { type ipv4_addr; flags dynamic; size 65535; }`),
    "chain forward {",
    "type filter hook forward priority 0; policy accept;",
    `oifname ${ours} ct state != { established, related } drop`,
    ...sources.map((source) => `ip saddr ${source} ct state new ct count over ${connections} drop`),
    ...sources.map(
      (source, index) =>
        `ip saddr ${source} ct state new add @clients${index} { ip saddr ct count over ${perClient} } drop`,
    ),
    ...["iifname", "oifname"].map(
      (way) => `${way} ${ours} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
    ),
    ...(apart.length < 2 ? [] : [`iifname { ${names} } oifname { ${names} } drop`]),
    "}",
    // Behind the rules of all others.
    "chain passed {",
    "type filter hook forward priority 2147483600; policy accept;",
    ...probes.map((source) => `ip saddr ${source} ${answered} reject with tcp reset`),
    ...probes.map((source) => `ip saddr ${source} drop`),
    "}",
    "chain postrouting {",
    "type nat hook postrouting priority 100; policy accept;",
    ...sources.map((source) => `ip saddr ${source} oifname != ${ours} masquerade`),
    "}",
    "}",
  ];
  return `${dropTable(name)}${lines.join("\n")}\n`;
}
