import { wordsOf } from "../error-words.ts";
import { formatIpv4Network, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import { read16, read32 } from "../ethernet/frame.ts";
import { kernelNatLimits } from "../limits.ts";
import type { RoutedSetup } from "../packet-device/interface-request.ts";
import type { PacketDevice, PacketDeviceEvents } from "../packet-device/packet-device.ts";
import { natDevicePrefix } from "../packet-device/tap.ts";
import type { KernelNetworks } from "../platform/ipv4-forwarding.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";
import type { Station } from "../secure-nat/packet-writer.ts";
import type { Forwarding } from "./forwarding.ts";
import type { KernelPerClient } from "./nat-table.ts";
import { freeNetwork, networksOfRoutes } from "./free-network.ts";
import { findProbeResult, probeBlocks, type ProbeResult } from "./probe.ts";

export interface HostNatOptions {
  readonly kernel: Pick<KernelNetworks, "routes">;
  readonly forwarding: Pick<Forwarding, "set" | "putBack" | "refused" | "suspects">;
  /** Makes an interface that the kernel routes to; throws why there can be none. */
  readonly openDevice: (events: PacketDeviceEvents, setup: RoutedSetup) => Promise<PacketDevice>;
  /** Resolves after a time. */
  readonly delay: (ms: number) => Promise<void>;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  /** Told what could not be put back. */
  readonly warn: (problem: string) => void;
}

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

/** NAT by the host's kernel, for the hubs of a server: for each an interface, for all of them the rules of the host. */
export class HostNat {
  readonly #options: HostNatOptions;
  readonly #ways = new Set<HostNatWay>();
  /** Why the host did not let packets out, when it was tried last. */
  #refusal: { readonly reason: string; readonly until: number } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HostNatOptions) {
    this.#options = options;
  }

  /**
   * Makes a way out for a hub and tries it. The ways are made one after the other.
   *
   * @throws Error why there can be none
   */
  open(options: WayOptions): Promise<HostNatWay> {
    return this.#inTurn(() => this.#open(options));
  }

  /** Takes back what a former run has left, where no hub needs it. */
  settle(): Promise<void> {
    return this.#inTurn(() => this.#setOrWarn());
  }

  /** Asks the kernel how many packets it has turned away, for {@link HostNatWay.refused}. */
  countRefused(): Promise<void> {
    return this.#inTurn(() => this.#countRefused());
  }

  async #countRefused(): Promise<void> {
    if (this.#ways.size === 0) return;
    const counts = await this.#options.forwarding.refused(this.#networks()).catch(() => undefined);
    for (const way of this.#ways) way.countRefused(counts?.get(way.network.network) ?? 0);
  }

  async #open(options: WayOptions): Promise<HostNatWay> {
    const { kernel, openDevice, now } = this.#options;
    if (this.#refusal !== undefined && now() < this.#refusal.until) throw new Error(this.#refusal.reason);
    if (this.#ways.size >= kernelNatLimits.hubs) {
      throw new Error(`${kernelNatLimits.hubs} hubs use the kernel's NAT already, which is the most`);
    }
    const taken = [...networksOfRoutes(await kernel.routes()), ...this.#networks()];
    const network = freeNetwork(taken);
    if (network === undefined) throw new Error("the host uses all of the networks that could be taken");
    const way = await HostNatWay.open({
      ...options,
      network,
      delay: this.#options.delay,
      openDevice,
      refresh: () => this.#inTurn(() => this.#set()),
      suspects: () => this.#options.forwarding.suspects(),
      closed: () => this.#inTurn(() => this.#remove(way)),
    });
    this.#ways.add(way);
    try {
      await this.#set();
      const reason = await way.try();
      if (reason !== undefined) throw new Error(reason);
      return way;
    } catch (error) {
      this.#refusal = { reason: wordsOf(error), until: now() + kernelNatLimits.retryMs };
      way.shut();
      await this.#remove(way);
      throw error;
    }
  }

  async #remove(way: HostNatWay): Promise<void> {
    if (this.#ways.delete(way)) await this.#setOrWarn();
  }

  async #setOrWarn(): Promise<void> {
    await this.#set().catch((error: unknown) =>
      this.#options.warn(`the host's forwarding was not put back: ${wordsOf(error)}`),
    );
  }

  async #set(): Promise<void> {
    const { forwarding, warn } = this.#options;
    if (this.#ways.size > 0) {
      // It counts anew from here on.
      await this.#countRefused();
      return forwarding.set([...this.#ways].map(({ network, perClient }) => ({ network, perClient })));
    }
    const left = await forwarding.putBack();
    if (left !== undefined) warn(left);
  }

  #networks(): Ipv4Network[] {
    return [...this.#ways].map((way) => way.network);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

interface HostNatWayOptions extends WayOptions, Pick<HostNatOptions, "delay" | "openDevice"> {
  readonly network: Ipv4Network;
  /** Sets the host up once more, where somebody has undone it. */
  readonly refresh: () => Promise<void>;
  readonly suspects: () => Promise<string>;
  readonly closed: () => Promise<void>;
}

const firstProbePort = 1_024;

/** A way as its hub uses it. */
export type KernelWay = Pick<HostNatWay, "network" | "description" | "refused" | "send" | "check" | "close">;

/** The way of one hub. */
export class HostNatWay {
  readonly network: Ipv4Network;
  readonly #options: HostNatWayOptions;
  readonly #prober: Station;
  /** Of the last packets that tried the way out; each time another, so that each is a connection of its own. */
  #probePort = firstProbePort;
  #device: PacketDevice | undefined;
  /** Packets of clients that the kernel turned away because there were too many connections. */
  refused = 0;
  /** What the kernel counted when it was asked last. */
  #counted = 0;
  /** Why the interface is gone. */
  #loss: string | undefined;
  #onProbe: ((result: ProbeResult) => void) | undefined;

  private constructor(options: HostNatWayOptions) {
    this.#options = options;
    this.network = options.network;
    this.#prober = {
      mac0: read16(options.mac, 0),
      mac1: read32(options.mac, 2),
      address: options.network.network + outerNetwork.probe,
    };
  }

  /** @throws Error why there can be no interface */
  static async open(options: HostNatWayOptions): Promise<HostNatWay> {
    const way = new HostNatWay(options);
    const { mac, mtu, network, openDevice } = options;
    const setup = { mac, mtu, address: network.network + outerNetwork.kernel, mask: network.mask };
    way.#device = await openDevice(
      {
        receive: (buffer, start, end) => way.#receive(buffer, start, end),
        lost: (error) => {
          way.#device = undefined;
          way.#loss = `the interface is gone: ${wordsOf(error)}`;
          options.lost();
        },
      },
      setup,
    );
    return way;
  }

  /** For people: the interface and the network behind it. */
  get description(): string {
    return `${this.#device?.name ?? natDevicePrefix}, ${formatIpv4Network(this.network)}`;
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
   * Whether packets still get out; what others have undone is set up again first.
   *
   * @returns why not
   */
  async check(): Promise<string | undefined> {
    if (this.#loss !== undefined) return this.#loss;
    if ((await this.#ask()) === "passed") return undefined;
    try {
      await this.#options.refresh();
    } catch (error) {
      return wordsOf(error);
    }
    return this.try();
  }

  /** @returns why packets do not get out */
  async try(): Promise<string | undefined> {
    for (let attempt = 0; attempt < kernelNatLimits.probeAttempts; attempt++) {
      const result = await this.#ask();
      if (result === "passed") return undefined;
      if (result !== undefined) return result.refused;
    }
    return `the host's firewall drops what it is to forward${await this.#options.suspects()}`;
  }

  /** Lets go of the interface; nothing comes from it any more. */
  shut(): void {
    this.#device?.close();
    this.#device = undefined;
  }

  /** The same, and puts the host back. */
  async close(): Promise<void> {
    this.shut();
    await this.#options.closed();
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
