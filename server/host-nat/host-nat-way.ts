import { wordsOf } from "../error-words.ts";
import { read16, read32 } from "../ethernet/frame.ts";
import { formatIpv4Network, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import { kernelNatLimits } from "../limits.ts";
import type { RoutedSetup } from "../packet-device/interface-request.ts";
import type { PacketDevice, PacketDeviceEvents } from "../packet-device/packet-device.ts";
import { natDevicePrefix } from "../packet-device/tap.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";
import type { NatEntry } from "../secure-nat/nat-entry.ts";
import type { Station } from "../secure-nat/packet-writer.ts";
import type { KernelPerClient } from "./nat-table.ts";
import type { TrackedConnections, TrackedCounts } from "./tracked-connections.ts";
import { findProbeResult, probeBlocks, type ProbeResult } from "./probe.ts";

/** Makes an interface that the kernel routes to; throws why there can be none. */
export type OpenRoutedDevice = (events: PacketDeviceEvents, setup: RoutedSetup) => Promise<PacketDevice>;

export interface WayOptions {
  /** MAC address of the virtual host, 6 bytes, which the interface has too. */
  readonly mac: Uint8Array;
  readonly mtu: number;
  /** The hub's own bounds for a client. */
  readonly perClient: KernelPerClient;
  /** Takes frames that the kernel sends; the blocks are valid during the call, and may be written to. */
  readonly receive: (buffer: Buffer, start: number, end: number) => void;
  /** The interface is gone; {@link HostNatWay.check} tells why. */
  readonly lost: () => void;
}

interface HostNatWayOptions extends WayOptions {
  readonly network: Ipv4Network;
  /** Makes an interface that the kernel routes to; throws why there can be none. */
  readonly openDevice: OpenRoutedDevice;
  /** Resolves after a time. */
  readonly delay: (ms: number) => Promise<void>;
  /** Sets the host up once more, where somebody has undone it. */
  readonly refresh: () => Promise<void>;
  readonly suspects: () => Promise<string>;
  /** Why the kernel follows no new connection, if that is so. */
  readonly fullTable: () => Promise<string | undefined>;
  readonly connections: () => Promise<TrackedConnections>;
  readonly closed: () => Promise<void>;
}

const firstProbePort = 1_024;

/** What the kernel follows for a hub, whose clients have the addresses that the kernel knows them by. */
export interface WayConnections {
  readonly counts: Readonly<TrackedCounts>;
  readonly entries: () => Iterable<NatEntry<number>>;
}

/** A way as its hub uses it. */
export type KernelWay = Pick<
  HostNatWay,
  "network" | "description" | "refused" | "problem" | "connections" | "send" | "check" | "close"
>;

/** The way of one hub. */
export class HostNatWay {
  readonly network: Ipv4Network;
  readonly #options: HostNatWayOptions;
  readonly #prober: Station<number>;
  /** Of the last packets that tried the way out; each time another, so that each is a connection of its own. */
  #probePort = firstProbePort;
  #device: PacketDevice | undefined;
  /** Packets of clients that the kernel turned away because there were too many connections. */
  refused = 0;
  /** Why clients begin no new connections although the way is kept, for people. */
  problem: string | undefined;
  /** What the kernel counted when it was asked last. */
  #counted = 0;
  /** Why the interface is gone. */
  #loss: string | undefined;
  #onProbe: ((result: ProbeResult) => void) | undefined;

  constructor(options: HostNatWayOptions) {
    this.#options = options;
    this.network = options.network;
    this.#prober = {
      mac0: read16(options.mac, 0),
      mac1: read32(options.mac, 2),
      address: options.network.network + outerNetwork.probe,
    };
  }

  /**
   * Makes the interface, without which nothing goes anywhere.
   *
   * @throws Error why there can be none
   */
  async openDevice(): Promise<void> {
    const { mac, mtu, network, openDevice, lost } = this.#options;
    const setup = { mac, mtu, address: network.network + outerNetwork.kernel, mask: network.mask };
    this.#device = await openDevice(
      {
        receive: (buffer, start, end) => this.#receive(buffer, start, end),
        lost: (error) => {
          this.#device = undefined;
          this.#loss = `the interface is gone: ${wordsOf(error)}`;
          lost();
        },
      },
      setup,
    );
  }

  /** For people: the interface and the network behind it. */
  get description(): string {
    return `${this.#device?.name ?? natDevicePrefix}, ${formatIpv4Network(this.network)}`;
  }

  /**
   * What the kernel follows for the hub.
   *
   * @throws Error why it does not tell
   */
  async connections(): Promise<WayConnections> {
    const list = await this.#options.connections();
    const { network } = this.network;
    return { counts: list.counts(network), entries: () => list.entries(network) };
  }

  get perClient(): KernelPerClient {
    return this.#options.perClient;
  }

  /** @param packets that the kernel has counted since it was set up */
  countRefused(packets: number): void {
    this.refused += packets >= this.#counted ? packets - this.#counted : packets;
    this.#counted = packets;
  }

  send(buffer: Buffer, start: number, end: number): void {
    this.#device?.send(buffer, start, end);
  }

  /**
   * Whether packets still get out; what others have undone is set up again first. A table of connections that is full is no reason to give the
   * way up: {@link problem} tells.
   *
   * @returns why not
   */
  async check(): Promise<string | undefined> {
    this.problem = undefined;
    if (this.#loss !== undefined) return this.#loss;
    if (await this.passes()) return undefined;
    // By sockets nothing would begin either, and what is open would end.
    this.problem = await this.#options.fullTable();
    if (this.problem !== undefined) return undefined;
    try {
      await this.#options.refresh();
    } catch (error) {
      return wordsOf(error);
    }
    return this.try();
  }

  /** Whether a packet gets out, asked once. */
  async passes(): Promise<boolean> {
    return (await this.#ask()) === "passed";
  }

  /** @returns why packets do not get out */
  async try(): Promise<string | undefined> {
    for (let attempt = 0; attempt < kernelNatLimits.probeAttempts; attempt++) {
      const result = await this.#ask();
      if (result === "passed") return undefined;
      if (result !== undefined) return result.refused;
    }
    const full = await this.#options.fullTable();
    return full ?? `the host's firewall drops what it is to forward${await this.#options.suspects()}`;
  }

  /** Lets go of the interface: nothing comes from it any more. Resolves when it is gone. */
  async shut(): Promise<void> {
    const device = this.#device;
    this.#device = undefined;
    await device?.close();
  }

  /** The same, and puts the host back. */
  async close(): Promise<void> {
    // What others of the host let go of at the same time is undone together, so the interface is not waited for before.
    await Promise.all([this.shut(), this.#options.closed()]);
  }

  /** @returns what the host answered; undefined for nothing */
  #ask(): Promise<ProbeResult | undefined> {
    const answered = new Promise<ProbeResult>((resolve) => (this.#onProbe = resolve));
    this.#probePort = this.#probePort === 0xffff ? firstProbePort : this.#probePort + 1;
    const probe = probeBlocks(this.#prober, this.#probePort);
    this.send(probe, 0, probe.length);
    const late = this.#options.delay(kernelNatLimits.probeTimeoutMs).then(() => undefined);
    return Promise.race([answered, late]).finally(() => (this.#onProbe = undefined));
  }

  #receive(buffer: Buffer, start: number, end: number): void {
    if (this.#onProbe !== undefined) {
      const result = findProbeResult(buffer, start, end, this.#prober.address);
      if (result !== undefined) this.#onProbe(result);
    }
    this.#options.receive(buffer, start, end);
  }
}
