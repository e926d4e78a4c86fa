import { formatIpv4Network, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import type { NatPerClient } from "../settings/secure-nat-settings.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import { natDevicePrefix } from "../packet-device/tap.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";
import { probeTargets } from "./probe.ts";

/** What the kernel knows of a hub. */
export interface NatRules {
  /** What it sees behind the interface. */
  readonly network: Ipv4Network;
  /** The hub's own bounds for a client, as far as they are less; 0 for none. */
  readonly perClient: KernelPerClient;
}

/** Which of them a kernel holds clients to. Names are asked of the virtual host, and connections it does not tell apart by their state. */
export type KernelPerClient = Pick<NatPerClient, "tcp" | "udp" | "ping">;

const protocols = { tcp: "tcp", udp: "udp", ping: "icmp" } as const satisfies Record<
  keyof KernelPerClient,
  string
>;

export interface NatTableOptions {
  /** Of the table of nftables that is this server's alone. */
  readonly name: string;
  readonly hubs: readonly NatRules[];
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
export function natTable({ name, hubs, connections, perClient, apart }: NatTableOptions): string {
  const ours = `"${natDevicePrefix}*"`;
  const names = apart.map((each) => `"${each}"`).join(", ");
  const sources = hubs.map(({ network }) => formatIpv4Network(network));
  const probes = hubs.map(({ network }) => formatIpv4(network.network + outerNetwork.probe));
  const answered = `ip daddr ${formatIpv4(probeTargets.answered)} tcp dport ${probeTargets.port}`;
  const lines = [
    `table ip ${name} {`,
    ...hubs.flatMap(refusal),
    ...hubs.flatMap((hub, index) => perClientSets(hub, index)),
    "chain forward {",
    "type filter hook forward priority 0; policy accept;",
    `oifname ${ours} ct state != { established, related } drop`,
    ...hubs.flatMap((hub, index) => bounds(hub, index, { connections, perClient })),
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

/** The chain that turns a connection away: its client learns of it, where there is a way to say so, and it is counted. */
function refusal({ network }: NatRules, index: number): string[] {
  const counter = counterOf(network);
  return [
    `counter ${counter} {}`,
    `chain refuse${index} {`,
    `counter name ${counter}`,
    "meta l4proto tcp reject with tcp reset",
    "drop",
    "}",
  ];
}

function perClientSets({ perClient }: NatRules, index: number): string[] {
  const kinds = ["clients", ...boundsOf(perClient).map(({ protocol }) => protocol)];
  return kinds.map((kind) => `set ${kind}${index} { type ipv4_addr; flags dynamic; size 65535; }`);
}

function bounds(
  { network, perClient }: NatRules,
  index: number,
  all: Pick<NatTableOptions, "connections" | "perClient">,
): string[] {
  const begins = `ip saddr ${formatIpv4Network(network)} ct state new`;
  const each = (kind: string, most: number) =>
    `add @${kind}${index} { ip saddr ct count over ${most} } goto refuse${index}`;
  return [
    `${begins} ct count over ${all.connections} goto refuse${index}`,
    `${begins} ${each("clients", all.perClient)}`,
    ...boundsOf(perClient).map(
      ({ protocol, most }) => `${begins} meta l4proto ${protocol} ${each(protocol, most)}`,
    ),
  ];
}

function boundsOf(perClient: KernelPerClient) {
  return (Object.keys(protocols) as (keyof KernelPerClient)[])
    .map((kind) => ({ protocol: protocols[kind], most: perClient[kind] }))
    .filter(({ most }) => most > 0);
}

function counterOf(network: Ipv4Network): string {
  return `refused_${formatIpv4(network.network).replaceAll(".", "_")}`;
}

/**
 * Reads the output of `nft -j list counters`.
 *
 * @returns packets that were turned away, by the first address of the network that they came from; none when it is not such output
 */
export function parseRefused(json: string, networks: readonly Ipv4Network[]): Map<number, number> {
  const counts = new Map<string, number>();
  for (const object of objectsOf(json)) {
    const { name, packets } =
      (object as { counter?: { name?: unknown; packets?: unknown } } | null)?.counter ?? {};
    if (typeof name === "string" && Number.isSafeInteger(packets)) counts.set(name, packets as number);
  }
  return new Map(networks.map((each) => [each.network, counts.get(counterOf(each)) ?? 0]));
}

function objectsOf(json: string): readonly unknown[] {
  try {
    const { nftables } = JSON.parse(json) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables : [];
  } catch {
    return [];
  }
}
