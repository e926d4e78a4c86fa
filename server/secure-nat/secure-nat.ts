import { DhcpServer } from "../dhcp/dhcp-server.ts";
import type { Lease } from "../dhcp/lease-table.ts";
import { parseStaticRoutes } from "../dhcp/static-routes.ts";
import { read16, read32 } from "../ethernet/frame.ts";
import type { IpAddress } from "../ethernet/packed-address.ts";
import { uniqueLocalPlanOf } from "../ethernet/unique-local.ts";
import type { SecureNatSettings } from "../settings/secure-nat-settings.ts";
import { DnsProxy } from "./dns-proxy.ts";
import { Fragments } from "./fragments.ts";
import { Icmpv6Errors } from "./icmpv6-errors.ts";
import { dhcpv6PlanOf, Ipv6Host } from "./ipv6-host.ts";
import { secureNatLimits } from "../limits.ts";
import { KernelNat } from "./kernel-nat.ts";
import type { NatEntry } from "./nat-entry.ts";
import type { NatRefusals } from "./nat-refusals.ts";
import type { Outside } from "./outside.ts";
import { ipv6MtuOf, PacketWriter, type Station } from "./packet-writer.ts";
import { PingNat } from "./ping-nat.ts";
import { refuseSegment } from "./refuse-segment.ts";
import { RouterAnnouncer } from "./router-announcer.ts";
import { createRoute } from "./routes.ts";
import { TcpNat } from "./tcp-nat.ts";
import { UdpNat } from "./udp-nat.ts";
import { UdpSender } from "./udp-sender.ts";
import { VirtualHost } from "./virtual-host.ts";

export interface SecureNatOptions {
  readonly settings: SecureNatSettings;
  readonly outside: Outside;
  /** Where the host's kernel translates: its interface, with the MAC address of the virtual host, and the network behind it. */
  readonly kernel?: {
    readonly network: number;
    readonly send: (buffer: Buffer, start: number, end: number) => void;
  };
  /** Whether the virtual host speaks IPv6, and leads outside by it or refuses what is to go there; undefined for no IPv6 at all. */
  readonly ipv6?: "leads" | "refuses" | undefined;
  /** Whether clients may reach an address outside. */
  readonly mayReach: (address: IpAddress) => boolean;
  /** Sends frames to the hub: the blocks of `buffer` from `start` to `end`, valid during the call. */
  readonly send: (buffer: Buffer, start: number, end: number) => void;
  /** Calls back when what is being done is done; `queueMicrotask` but in tests. */
  readonly soon: (flush: () => void) => void;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly unixNow: () => number;
  /** 32 bits that nobody can guess. */
  readonly random: () => number;
  /** A client got an address, or asked for it again. */
  readonly leased?: (lease: Lease) => void;
  /** Of a former run. */
  readonly leases?: Iterable<Lease>;
}

/** How many of each there are. */
export interface SecureNatCounts {
  readonly tcp: number;
  readonly udp: number;
  readonly dns: number;
  readonly ping: number;
  readonly leases: number;
  readonly refused: NatRefusals;
}

/** All that a hub's virtual host does, as its settings say. It has no socket and no timer of its own. */
export class SecureNat {
  readonly #host: VirtualHost;
  readonly #now: () => number;
  readonly #unixNow: () => number;
  readonly #tcp: TcpNat | undefined;
  readonly #udp: UdpNat | undefined;
  readonly #dns: DnsProxy | undefined;
  readonly #ping: PingNat | undefined;
  readonly #dhcp: DhcpServer | undefined;
  readonly #kernel: KernelNat | undefined;
  readonly #ipv6: Ipv6Host | undefined;
  #isClosing = false;

  /** @throws {StaticRoutesError} for routes that cannot be read */
  constructor({
    settings,
    outside,
    kernel,
    ipv6,
    mayReach,
    send,
    soon,
    now,
    unixNow,
    random,
    ...options
  }: SecureNatOptions) {
    const { host, nat, dhcp } = settings;
    this.#now = now;
    this.#unixNow = unixNow;
    const station: Station<number> = {
      mac0: read16(host.mac, 0),
      mac1: read32(host.mac, 2),
      address: host.address,
    };
    const writer = new PacketWriter({ send, soon });
    const sender = new UdpSender(writer, nat.mtu);
    const fragments = new Fragments(now);
    const plan = uniqueLocalPlanOf(host.mac);
    const errors = new Icmpv6Errors({ writer, station: { ...station, address: plan.address }, now });
    if (nat.enabled) {
      const { perClient } = nat;
      this.#tcp = new TcpNat({
        route: createRoute(outside, [host.address, plan.address, plan.linkLocal], mayReach),
        writer,
        router: station,
        mtu: nat.mtu,
        timeoutMs: nat.tcpTimeoutSeconds * 1_000,
        now,
        random,
        perClient,
      });
      const timeoutMs = nat.udpTimeoutSeconds * 1_000;
      this.#udp = new UdpNat({
        outside,
        sender,
        router: station,
        timeoutMs,
        now,
        mayReach,
        unreachable: (sent, from) => errors.refuseUdp(sent, from),
        mostPerClient: perClient.udp,
      });
      this.#dns = new DnsProxy(outside, sender, perClient.dns);
      this.#ping = new PingNat({
        outside,
        writer,
        router: station,
        mtu: nat.mtu,
        now,
        mayReach,
        unreachable: (frame, from) => {
          if (frame.network === "ipv6") errors.refuse(frame, from, "noRoute");
        },
        mostPerClient: perClient.ping,
      });
      if (kernel !== undefined) {
        const { network, send: sendOutside } = kernel;
        this.#kernel = new KernelNat({
          network,
          router: station,
          sendOutside,
          sendInside: send,
          mayReach,
          writer,
          mostConnecting: perClient.connecting,
          now,
        });
      }
    }
    if (dhcp.enabled) {
      const { first, last, mask, leaseSeconds, gateway, nameServers, domainName, pushRoutes } = dhcp;
      const routes = parseStaticRoutes(pushRoutes);
      const range = { first, last };
      const serverAddress = host.address;
      this.#dhcp = new DhcpServer(
        { serverAddress, range, mask, leaseSeconds, gateway, nameServers, domainName, routes },
        unixNow,
        options,
      );
    }
    if (ipv6 !== undefined) {
      const linkLocal = { ...station, address: plan.linkLocal };
      // Who gets another name server by DHCP is not to ask this one by IPv6.
      const nameServers = dhcp.nameServers.includes(host.address) ? [plan.address] : [];
      const { domainName } = dhcp;
      const { network } = plan;
      const told = { network, mtuBytes: ipv6MtuOf(nat.mtu), nameServers, domainName };
      this.#ipv6 = new Ipv6Host({
        router: station,
        plan,
        dhcp: dhcpv6PlanOf(host.mac, nameServers, domainName),
        mtu: nat.mtu,
        writer,
        sender,
        announcer: new RouterAnnouncer({ writer, station: linkLocal, told, now, random }),
        errors,
        fragments,
        tcp: this.#tcp,
        udp: this.#udp,
        dns: this.#dns,
        ping: this.#ping,
        leads: ipv6 === "leads",
        mayReach,
        refuseSegment: (frame, segment) => refuseSegment(writer, station, frame, segment),
      });
    }
    this.#host = new VirtualHost({
      station,
      mask: host.mask,
      writer,
      dhcp: this.#dhcp,
      tcp: this.#tcp,
      udp: this.#udp,
      dns: this.#dns,
      ping: this.#ping,
      kernel: this.#kernel,
      fragments,
      ipv6: this.#ipv6,
    });
  }

  /** Takes the frame of `buffer` from `start` to `end`, which the port of the number `from` sent. */
  receive(buffer: Buffer, start: number, end: number, from: number): void {
    if (!this.#isClosing) this.#host.receive(buffer, start, end, from);
  }

  /**
   * The frames of a turn have been received: what they lead to goes on, as long as the turn lasts.
   *
   * @returns whether something is left, for which it is to be called again
   */
  turnEnded(isOver: () => boolean): boolean {
    this.#kernel?.flush();
    return this.#tcp?.flush(isOver) === true;
  }

  /** Takes what the kernel sends to its interface: the blocks of `buffer` from `start` to `end`, which are written to. */
  receiveFromKernel(buffer: Buffer, start: number, end: number): void {
    this.#kernel?.deliver(buffer, start, end);
  }

  /** Of the client that the kernel knows by an address. */
  clientOfKernel(outer: number): number | undefined {
    return this.#kernel?.addressOf(outer);
  }

  /**
   * Does what is due.
   *
   * @returns when something will be due next, by the clock of the options, if nothing is received or sent until then
   */
  tick(): number {
    return Math.min(
      this.#tcp?.tick() ?? Infinity,
      this.#udp?.tick() ?? Infinity,
      this.#ping?.tick() ?? Infinity,
      this.#ipv6?.tick() ?? Infinity,
    );
  }

  counts(): SecureNatCounts {
    return {
      tcp: this.#tcp?.count ?? 0,
      udp: this.#udp?.count ?? 0,
      dns: this.#dns?.count ?? 0,
      ping: this.#ping?.count ?? 0,
      leases: this.leases().length,
      refused: {
        // By sockets, or for want of an address behind the interface.
        connections: (this.#tcp?.refused ?? 0) + (this.#kernel?.refused ?? 0),
        udpPackets: this.#udp?.refused ?? 0,
        questions: this.#dns?.refused ?? 0,
        pings: this.#ping?.refused ?? 0,
      },
    };
  }

  report(): {
    readonly counts: SecureNatCounts;
    readonly leases: readonly Lease[];
    readonly mappings: readonly NatEntry[];
  } {
    const sinceUnix = this.#unixNow() - this.#now();
    const mappings = [...(this.#tcp?.mappings() ?? []), ...(this.#udp?.mappings() ?? [])].map((entry) => ({
      ...entry,
      createdAt: entry.createdAt + sinceUnix,
      usedAt: entry.usedAt + sinceUnix,
    }));
    return { counts: this.counts(), leases: this.leases(), mappings };
  }

  /** Addresses that clients have now. */
  leases(): Lease[] {
    return this.#dhcp?.leases() ?? [];
  }

  /** What another run may begin with. */
  keptLeases(): Lease[] {
    return this.#dhcp?.keptLeases() ?? [];
  }

  /** How often that has changed. */
  get leaseChanges(): number {
    return this.#dhcp?.leaseChanges ?? 0;
  }

  /** Ends every connection and lets go of every socket, in steps. Nothing is received meanwhile. */
  *close(): Generator<undefined, void, undefined> {
    this.#isClosing = true;
    this.#ipv6?.close();
    this.#dns?.close();
    this.#ping?.close();
    let done = 0;
    for (const ends of [this.#tcp?.close(), this.#udp?.close()]) {
      while (ends?.next().done === false) if (++done % secureNatLimits.closedInStep === 0) yield;
    }
    this.#isClosing = false;
  }
}
