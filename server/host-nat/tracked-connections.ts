import { maskOf, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import { kernelNatLimits } from "../limits.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";
import type { NatEntry } from "../secure-nat/nat-entry.ts";
import type { ConntrackEntry } from "./conntrack-message.ts";

/** How many of a hub the kernel follows. */
export interface TrackedCounts {
  tcp: number;
  udp: number;
  ping: number;
}

/** After how many seconds of silence the kernel forgets, by the name of the sysctl `net.netfilter.nf_conntrack_…`. */
export type ConntrackTimeouts = ReadonlyMap<string, number>;

const mask = maskOf(outerNetwork.prefixLength) as number;
const protocols: Readonly<Record<number, NatEntry["protocol"]>> = { 6: "tcp", 17: "udp", 1: "ping" };

type StateRow = readonly [state: NatEntry["state"], timeout: string];
/** The kernel's states of TCP, by their numbers: how they are shown, and whose time-out holds. */
const noState: StateRow = ["none", ""];
const tcpStates: readonly StateRow[] = [
  noState,
  ["connecting", "syn_sent"],
  ["connecting", "syn_recv"],
  ["established", "established"],
  ["closing", "fin_wait"],
  ["closing", "close_wait"],
  ["closing", "last_ack"],
  ["time-wait", "time_wait"],
  ["closed", "close"],
  ["connecting", "syn_sent"],
];

/** Connections of hubs as the kernel told them at one time. */
export class TrackedConnections {
  readonly #hubs: ReadonlyMap<number, HubConnections>;
  readonly #timeouts: ConntrackTimeouts;
  readonly #takenAt: number;

  /** @param takenAt Unix time in milliseconds */
  constructor(networks: readonly Ipv4Network[], timeouts: ConntrackTimeouts, takenAt: number) {
    this.#hubs = new Map(networks.map(({ network }) => [network, new HubConnections()]));
    this.#timeouts = timeouts;
    this.#takenAt = takenAt;
  }

  /** Whether an address is one of a client. */
  has(source: number): boolean {
    return this.#hubs.has((source & mask) >>> 0);
  }

  add(entry: ConntrackEntry): void {
    const protocol = protocols[entry.protocol];
    if (protocol === undefined) return;
    const hub = this.#hubs.get((entry.source & mask) >>> 0);
    const isProbe = entry.source % outerNetwork.hosts === outerNetwork.probe;
    if (!isProbe) hub?.add(protocol, entry, this.#takenAt - 1_000 * this.#silence(protocol, entry));
  }

  /** Of the hub whose network begins with this address. */
  counts(network: number): Readonly<TrackedCounts> {
    return this.#hubs.get(network)?.counts ?? { tcp: 0, udp: 0, ping: 0 };
  }

  /** The same, one by one; clients have the addresses that the kernel knows them by. */
  *entries(network: number): Generator<NatEntry<number>> {
    yield* this.#hubs.get(network)?.entries() ?? [];
  }

  /** Seconds since the last packet: the kernel tells when it will forget. */
  #silence(protocol: NatEntry["protocol"], { state, isAssured, timeoutSeconds }: ConntrackEntry): number {
    const names = {
      // While something is not acknowledged, the kernel waits for less long.
      tcp: [`tcp_timeout_${stateOf(state)[1]}`, "tcp_timeout_unacknowledged", "tcp_timeout_max_retrans"],
      udp: [isAssured ? "udp_timeout_stream" : "udp_timeout"],
      ping: ["icmp_timeout"],
    }[protocol];
    const whole = names
      .map((name) => this.#timeouts.get(name) ?? Infinity)
      .filter((each) => each >= timeoutSeconds);
    const least = Math.min(...whole);
    return least === Infinity ? 0 : least - timeoutSeconds;
  }
}

/** Bytes of a connection, and where each number is among them. */
const record = {
  source: 0,
  remote: 4,
  sourcePort: 8,
  remotePort: 10,
  protocol: 12,
  state: 13,
  sent: 16,
  received: 24,
  createdAt: 32,
  usedAt: 40,
  bytes: 48,
} as const;
const firstRecords = 16;

/** Those of one hub, in less memory than objects would take. */
class HubConnections {
  readonly counts: TrackedCounts = { tcp: 0, udp: 0, ping: 0 };
  #records = Buffer.alloc(0);
  #count = 0;

  add(protocol: NatEntry["protocol"], entry: ConntrackEntry, usedAt: number): void {
    this.counts[protocol]++;
    if (this.#count >= kernelNatLimits.listed) return;
    const at = this.#count++ * record.bytes;
    if (at === this.#records.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#records.length, firstRecords * record.bytes));
      this.#records.copy(larger);
      this.#records = larger;
    }
    const records = this.#records;
    records.writeUInt32LE(entry.source, at + record.source);
    records.writeUInt32LE(entry.destination, at + record.remote);
    records.writeUInt16LE(entry.sourcePort, at + record.sourcePort);
    records.writeUInt16LE(entry.destinationPort, at + record.remotePort);
    records[at + record.protocol] = entry.protocol;
    records[at + record.state] = entry.state;
    records.writeDoubleLE(entry.sent, at + record.sent);
    records.writeDoubleLE(entry.received, at + record.received);
    records.writeDoubleLE(entry.startedAt, at + record.createdAt);
    records.writeDoubleLE(usedAt, at + record.usedAt);
  }

  *entries(): Generator<NatEntry<number>> {
    const records = this.#records;
    for (let at = 0; at < this.#count * record.bytes; at += record.bytes) {
      const protocol = protocols[records[at + record.protocol] as number] ?? "tcp";
      yield {
        protocol,
        client: records.readUInt32LE(at + record.source),
        clientPort: records.readUInt16LE(at + record.sourcePort),
        remote: records.readUInt32LE(at + record.remote),
        remotePort: records.readUInt16LE(at + record.remotePort),
        createdAt: records.readDoubleLE(at + record.createdAt),
        usedAt: records.readDoubleLE(at + record.usedAt),
        sent: records.readDoubleLE(at + record.sent),
        received: records.readDoubleLE(at + record.received),
        state: protocol === "tcp" ? stateOf(records[at + record.state] as number)[0] : "none",
      };
    }
  }
}

function stateOf(number: number): StateRow {
  return tcpStates[number] ?? noState;
}
