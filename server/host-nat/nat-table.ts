import { maskOf, type Ipv4Network } from "../ethernet/ipv4-network.ts";
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
  /** Interfaces between which nothing is forwarded: those of a host that forwarded nothing before; undefined for one that did. */
  readonly apart: readonly string[] | undefined;
}

/** The commands of nft that take our table away where it is, in one transaction with what follows. */
export function dropTable(name: string): string {
  return `table ip ${name} {}\ndelete table ip ${name}\n`;
}

/**
 * The commands of nft that make our table anew. It adds to what other tables do: it lets nothing pass that they stop, and stops only what
 * concerns our interfaces. Which hub a packet belongs to is one look into a map, however many hubs there are.
 */
export function natTable(options: NatTableOptions): string {
  const { name, hubs, apart } = options;
  const ours = `"${natDevicePrefix}*"`;
  const answered = `ip daddr ${formatIpv4(probeTargets.answered)} tcp dport ${probeTargets.port}`;
  const lines = [
    `table ip ${name} {`,
    "map hubs { type ipv4_addr : verdict; }",
    "set networks { type ipv4_addr; }",
    "set probes { type ipv4_addr; }",
    ...(apart === undefined ? [] : ["set apart { type ifname; }"]),
    "chain forward {",
    "type filter hook forward priority 0; policy accept;",
    `oifname ${ours} ct state != { established, related } drop`,
    `ct state new ${network} vmap @hubs`,
    ...["iifname", "oifname"].map(
      (way) => `${way} ${ours} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
    ),
    ...(apart === undefined ? [] : ["iifname @apart oifname @apart drop"]),
    "}",
    // Behind the rules of all others.
    "chain passed {",
    "type filter hook forward priority 2147483600; policy accept;",
    `ip saddr @probes ${answered} reject with tcp reset`,
    "ip saddr @probes drop",
    "}",
    "chain postrouting {",
    "type nat hook postrouting priority 100; policy accept;",
    `${network} @networks oifname != ${ours} masquerade`,
    "}",
    "}",
  ];
  return `${dropTable(name)}${lines.join("\n")}\n${setApart(name, apart ?? [])}${addHubs(options, hubs)}`;
}

/** The commands of nft that set more interfaces apart in our table. */
export function setApart(name: string, interfaces: readonly string[]): string {
  if (interfaces.length === 0) return "";
  return `add element ip ${name} apart { ${interfaces.map((each) => `"${each}"`).join(", ")} }\n`;
}

/**
 * The commands of nft that change which hubs are in our table, and leave the counts of all others as they are. nft refuses all of them where
 * the table is not there.
 */
export function changeHubs(
  options: Omit<NatTableOptions, "hubs" | "apart">,
  gone: readonly NatRules[],
  come: readonly NatRules[],
): string {
  return removeHubs(options.name, gone) + addHubs(options, come);
}

/** The network that a packet comes from, as all of them are of one size. */
const network = `ip saddr & ${formatIpv4(maskOf(outerNetwork.prefixLength) as number)}`;

function addHubs(
  { name, connections, perClient }: Omit<NatTableOptions, "hubs" | "apart">,
  hubs: readonly NatRules[],
): string {
  if (hubs.length === 0) return "";
  const lines = [
    `table ip ${name} {`,
    ...hubs.flatMap((hub) => refusal(hub)),
    ...hubs.flatMap((hub) => perClientSets(hub)),
    ...hubs.flatMap((hub) => [
      `chain ${nameOf("hub", hub)} {`,
      ...bounds(hub, { connections, perClient }),
      "}",
    ]),
    "}",
    ...elements(hubs).map(([set, values]) => `add element ip ${name} ${set} { ${values.join(", ")} }`),
  ];
  return `${lines.join("\n")}\n`;
}

function removeHubs(name: string, hubs: readonly NatRules[]): string {
  if (hubs.length === 0) return "";
  const lines = [
    ...elements(hubs).map(([set, values]) => `delete element ip ${name} ${set} { ${values.join(", ")} }`),
    ...hubs.flatMap((hub) => [
      `delete chain ip ${name} ${nameOf("hub", hub)}`,
      ...setsOf(hub).map((set) => `delete set ip ${name} ${set}`),
    ]),
    ...hubs.flatMap((hub) => [
      `delete chain ip ${name} ${nameOf("refuse", hub)}`,
      `delete counter ip ${name} ${nameOf("refused", hub)}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** What stands for hubs in the map and the sets of the table. */
function elements(hubs: readonly NatRules[]): [set: string, values: string[]][] {
  const first = ({ network: { network } }: NatRules) => formatIpv4(network);
  return [
    ["hubs", hubs.map((hub) => `${first(hub)} : jump ${nameOf("hub", hub)}`)],
    ["networks", hubs.map(first)],
    ["probes", hubs.map((hub) => formatIpv4(hub.network.network + outerNetwork.probe))],
  ];
}

/** The chain that turns a connection away: its client learns of it, where there is a way to say so, and it is counted. */
function refusal(hub: NatRules): string[] {
  const counter = nameOf("refused", hub);
  return [
    `counter ${counter} {}`,
    `chain ${nameOf("refuse", hub)} {`,
    `counter name ${counter}`,
    "meta l4proto tcp reject with tcp reset",
    "drop",
    "}",
  ];
}

function perClientSets(hub: NatRules): string[] {
  return setsOf(hub).map((set) => `set ${set} { type ipv4_addr; flags dynamic; size 65535; }`);
}

function setsOf(hub: NatRules): string[] {
  return ["clients", ...boundsOf(hub.perClient).map(({ protocol }) => protocol)].map((kind) =>
    nameOf(kind, hub),
  );
}

function bounds(hub: NatRules, all: Pick<NatTableOptions, "connections" | "perClient">): string[] {
  const refuse = `goto ${nameOf("refuse", hub)}`;
  const each = (kind: string, most: number) =>
    `add @${nameOf(kind, hub)} { ip saddr ct count over ${most} } ${refuse}`;
  return [
    `ct count over ${all.connections} ${refuse}`,
    each("clients", all.perClient),
    ...boundsOf(hub.perClient).map(
      ({ protocol, most }) => `meta l4proto ${protocol} ${each(protocol, most)}`,
    ),
  ];
}

function boundsOf(perClient: KernelPerClient) {
  return (Object.keys(protocols) as (keyof KernelPerClient)[])
    .map((kind) => ({ protocol: protocols[kind], most: perClient[kind] }))
    .filter(({ most }) => most > 0);
}

/** Of something that a hub has in the table. */
function nameOf(kind: string, { network: { network } }: Pick<NatRules, "network">): string {
  return `${kind}_${formatIpv4(network).replaceAll(".", "_")}`;
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
  return new Map(
    networks.map((each) => [each.network, counts.get(nameOf("refused", { network: each })) ?? 0]),
  );
}

function objectsOf(json: string): readonly unknown[] {
  try {
    const { nftables } = JSON.parse(json) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables : [];
  } catch {
    return [];
  }
}
