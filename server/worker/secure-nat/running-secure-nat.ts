import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { LiveHub } from "../../access/virtual-hubs.ts";
import type { KernelConnections, SecureNatReport } from "../../admin/administration.ts";
import type { Lease } from "../../dhcp/lease-table.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import { AnsweringPort } from "../../hub/answering-port.ts";
import type { Ipv6Way, NatWay } from "../../contract/server-status.ts";
import type { KernelWay, WayConnections } from "../../host-nat/host-nat-way.ts";
import { kernelNatLimits, secureNatLimits } from "../../limits.ts";
import type { NatEntry } from "../../secure-nat/nat-entry.ts";
import type { Outside } from "../../secure-nat/outside.ts";
import { isReachable } from "../../secure-nat/reachable-addresses.ts";
import { turns } from "../../turns.ts";
import type { NatRefusals } from "../../secure-nat/nat-refusals.ts";
import { SecureNat, type SecureNatOptions } from "../../secure-nat/secure-nat.ts";
import { defaultPolicy } from "../../settings/policy.ts";
import { speaksIpv6, type SecureNatSettings } from "../../settings/secure-nat-settings.ts";

export interface RunningSecureNatOptions {
  readonly hub: LiveHub;
  readonly settings: SecureNatSettings;
  readonly outside: Outside;
  /** Of a former run. */
  readonly leases: readonly Lease[];
  /** The way by the kernel; without it the settings tell whether sockets translate. */
  readonly kernel: KernelWay | undefined;
  /** Why there is none. */
  readonly reason: string | undefined;
}

/** What the virtual host is told of IPv6. */
const ofVirtualHost: Readonly<Record<Ipv6Way, SecureNatOptions["ipv6"]>> = {
  off: undefined,
  user: "leads",
  refused: "refuses",
};

/** What the hub's log tells of IPv6. */
const ipv6Words: Readonly<Record<Ipv6Way, string>> = {
  user: " IPv6 is translated by the server.",
  refused: " IPv6 is refused.",
  off: "",
};

/** The virtual host of a hub, plugged into it, with the clock that drives it. */
export class RunningSecureNat {
  readonly hub: LiveHub;
  readonly settings: SecureNatSettings;
  readonly way: NatWay;
  /** Why it is not the kernel, where that might. */
  readonly reason: string | undefined;
  /** What becomes of IPv6, as far as the settings tell; sockets may turn out to have no way. */
  readonly ipv6: Ipv6Way;
  readonly kernel: KernelWay | undefined;
  readonly nat: SecureNat;
  readonly #port: AnsweringPort;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer calls; what is due earlier sets another one. */
  #dueAt = Infinity;
  #toldRefused: NatRefusals = { connections: 0, udpPackets: 0, questions: 0, pings: 0 };
  #isStopped = false;

  /** @throws {StaticRoutesError} for routes that cannot be read, which a file may have */
  constructor({ hub, settings, outside, leases, kernel, reason }: RunningSecureNatOptions) {
    this.hub = hub;
    this.settings = settings;
    this.kernel = kernel;
    const { nat } = settings;
    const enabled = nat.enabled && (kernel !== undefined || nat.bySockets);
    this.way = !enabled ? "off" : kernel === undefined ? "user" : "kernel";
    this.reason = reason;
    // The kernel's rules are those of IPv4. Where no sockets may stand in for it, a client is told that there is no way.
    this.ipv6 = !speaksIpv6(settings) ? "off" : nat.bySockets ? "user" : "refused";
    this.nat = new SecureNat({
      settings: enabled === nat.enabled ? settings : { ...settings, nat: { ...nat, enabled } },
      outside,
      leases,
      ...(kernel !== undefined && {
        kernel: {
          network: kernel.network.network,
          send: (buffer: Buffer, start: number, end: number) => kernel.send(buffer, start, end),
        },
      }),
      ipv6: ofVirtualHost[this.ipv6],
      mayReach: (address) => isReachable(address, settings.nat.openNetworks),
      send: (buffer, start, end) => {
        this.#port.sendBlocks(buffer, start, end);
        this.#tickSoon();
      },
      soon: queueMicrotask,
      now: () => performance.now(),
      unixNow: () => Date.now(),
      random: () => randomBytes(4).readUInt32BE(),
      leased: (lease) => this.#logLease(lease),
    });
    this.#port = new AnsweringPort({
      name: `SID-SECURENAT-${++hub.sessionCount}`,
      userName: "SecureNAT",
      kind: "secure-nat",
      // As that of the official server: its answers to many clients are no storm.
      policy: { ...defaultPolicy, NoBroadcastLimiter: true },
      receive: (buffer, start, end, from) => this.nat.receive(buffer, start, end, from),
      turnEnded: (isOver) => {
        this.#tickSoon();
        return this.nat.turnEnded(isOver);
      },
      nextTurn: (work) => attachment.time.later({ work }),
    });
    const attachment = hub.hub.attach(this.#port);
    this.#port.plugInto(attachment);
    // Whom the last one told that it is no router any more is told of this one.
    this.nat.tick();
  }

  /** Tells the hub's log who translates. */
  logWay(): void {
    const { way, reason, ipv6, kernel } = this;
    if (!this.settings.saveLog || !this.settings.nat.enabled) return;
    const who = { kernel: `the host's kernel (${kernel?.description})`, user: "the server", off: "nobody" };
    const why = reason === undefined ? "" : `, since the kernel cannot: ${reason}`;
    const text = `SecureNAT: addresses are translated by ${who[way]}${why}.${ipv6Words[ipv6]}`;
    this.hub.log.security(text, { event: "securenat-way", way, reason, ipv6 });
  }

  report(): SecureNatReport {
    return { ...this.nat.report(), kernel: this.kernel && (() => this.#kernelConnections()) };
  }

  /** Connections of TCP, those that the kernel follows among them as far as it tells soon. */
  async tcpConnections(): Promise<number> {
    const known = this.kernel?.connections().catch(() => undefined);
    // Who asks for the status does not wait for a host with hundreds of thousands of connections to be gone through.
    const waiting = new AbortController();
    const late = delay(kernelNatLimits.countWaitMs, undefined, { signal: waiting.signal }).catch(
      () => undefined,
    );
    const followed = await Promise.race([known, late]);
    waiting.abort();
    return this.nat.counts().tcp + (followed?.counts.tcp ?? 0);
  }

  async #kernelConnections(): Promise<KernelConnections> {
    const followed = await this.kernel?.connections();
    if (followed === undefined) return { counts: { tcp: 0, udp: 0, ping: 0 }, mappings: [] };
    return { counts: followed.counts, mappings: this.#mappingsOf(followed) };
  }

  /** With the addresses that clients have; one who has made room for another is told no more. */
  *#mappingsOf({ entries }: WayConnections): Generator<NatEntry> {
    for (const entry of entries()) {
      const client = this.nat.clientOfKernel(entry.client);
      if (client !== undefined) yield { ...entry, client };
    }
  }

  /** Tells the hub's log of what was refused since it was told last. */
  logRefused(): void {
    const { refused } = this.nat.counts();
    const now = { ...refused, connections: refused.connections + (this.kernel?.refused ?? 0) };
    const former = this.#toldRefused;
    this.#toldRefused = now;
    const news: NatRefusals = {
      connections: now.connections - former.connections,
      udpPackets: now.udpPackets - former.udpPackets,
      questions: now.questions - former.questions,
      pings: now.pings - former.pings,
    };
    if (!this.settings.saveLog || Object.values(news).every((count) => count === 0)) return;
    const isKernel = this.way === "kernel";
    const words: readonly (readonly [count: number, what: string])[] = [
      [news.connections, isKernel ? "packets that would begin a connection" : "TCP connections"],
      [news.udpPackets, "UDP packets"],
      [news.questions, "questions for names"],
      [news.pings, "echo requests"],
    ];
    const list = words.filter(([count]) => count > 0).map((word) => word.join(" "));
    this.hub.log.security(
      `SecureNAT: refused ${list.join(", ")} in the last minute, since there were too many.`,
      { event: "securenat-refused", ...news },
    );
  }

  /** Resolves when all of its connections have ended, whose clients are told. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await turns.run(this.nat.close(), this.hub.hub.settings.name.toLowerCase());
    this.#port.unplug();
  }

  /** What is sent or received may set a time that comes before the next look. */
  #tickSoon(): void {
    const at = performance.now() + secureNatLimits.tickMs;
    if (at < this.#dueAt && !this.#isStopped) this.#tickAt(at);
  }

  #tickAt(at: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = at;
    if (at === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Infinity;
        const due = this.nat.tick();
        if (due < this.#dueAt) this.#tickAt(Math.max(due, performance.now() + secureNatLimits.tickMs));
      },
      Math.min(at - performance.now(), secureNatLimits.mostTickMs),
    );
  }

  #logLease({ address, mac, hostName, expiresAt }: Lease): void {
    if (!this.settings.saveLog) return;
    const macText = mac.toUpperCase().replace(/(..)(?=.)/g, "$1-");
    const whose = hostName === "" ? "" : ` (${JSON.stringify(hostName)})`;
    const until = new Date(expiresAt).toISOString();
    this.hub.log.security(
      `SecureNAT: ${macText}${whose} has the address ${formatIpv4(address)} until ${until}.`,
    );
  }
}
