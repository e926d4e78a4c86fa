import type { LiveHub, VirtualHubs } from "../../access/virtual-hubs.ts";
import { wordsOf } from "../../error-words.ts";
import type { KernelWay, WayOptions } from "../../host-nat/host-nat-way.ts";
import { kernelNatLimits } from "../../limits.ts";
import type { Outside } from "../../secure-nat/outside.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import type { LeasesOfHubs } from "./lease-file.ts";
import { RunningSecureNat } from "./running-secure-nat.ts";

export interface SecureNatsOptions {
  readonly hubs: Pick<VirtualHubs, "find">;
  /** By the name of their hub in lower case; those that run are entered. */
  readonly running: Map<string, RunningSecureNat>;
  /** Of a former run, and of virtual hosts that run no more. */
  readonly leases: LeasesOfHubs;
  /** The host's network for another virtual host. */
  readonly createOutside: () => Outside;
  /** Makes a way by the host's kernel; rejects with the reason why there can be none. */
  readonly openKernel: (options: WayOptions) => Promise<KernelWay>;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  readonly warn: (problem: string) => void;
}

/**
 * Which hubs have a virtual host, and who translates for each: the host's kernel where the settings let it and it turns out to work, else
 * sockets. What changes meanwhile on the host is noticed, and what is asked for comes in turn.
 */
export class SecureNats {
  readonly #options: SecureNatsOptions;
  readonly #triedAt = new Map<string, number>();
  /** Changes when a virtual host ends, whose leases are no longer those of one that runs. */
  #ended = 0;
  #turn: Promise<void> = Promise.resolve();
  #isLooking = false;

  constructor(options: SecureNatsOptions) {
    this.#options = options;
  }

  /** Makes them what the settings say; those that stay go on undisturbed. */
  apply(all: readonly HubSettings[]): Promise<void> {
    return this.#inTurn(() => this.#apply(all));
  }

  /** Sees whether the kernel still serves those that it does, and whether it would serve the others now. */
  look(): Promise<void> {
    if (this.#isLooking) return Promise.resolve();
    this.#isLooking = true;
    return this.#inTurn(() => this.#look()).finally(() => (this.#isLooking = false));
  }

  /** Which do not lead outside although they are to, or not as they should, for people. */
  warnings(): string[] {
    return [...this.#options.running.values()].flatMap(({ hub, way, settings, reason, kernel }) => {
      const name = `SecureNAT of hub ${hub.hub.settings.name}`;
      if (way === "off" && settings.nat.enabled) {
        return `${name} leads nowhere: ${reason ?? "the hub's options forbid both ways to translate"}`;
      }
      return kernel?.problem === undefined ? [] : `${name} begins no new connections: ${kernel.problem}`;
    });
  }

  /** Tells whether leases have changed: it is another text then. */
  leaseChanges(): string {
    return [this.#ended, ...[...this.#options.running.values()].map(({ nat }) => nat.leaseChanges)].join();
  }

  /** Enters the leases that there are now. */
  keepLeases(): void {
    for (const [key, { nat }] of this.#options.running) this.#options.leases.set(key, nat.keptLeases());
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const kernels = await this.#end([...this.#options.running.keys()]);
      await Promise.all(kernels.map((kernel) => kernel.close()));
    });
  }

  async #apply(all: readonly HubSettings[]): Promise<void> {
    const { running, leases, hubs } = this.#options;
    const wanted = new Map(
      all
        .filter(({ online, secureNat }) => online && secureNat.enabled)
        .map((hub) => [hub.name.toLowerCase(), hub]),
    );
    const others = [...running].filter(
      ([key, { settings, hub }]) => wanted.get(key)?.secureNat !== settings || hubs.find(key) !== hub,
    );
    const kernels = await this.#end(others.map(([key]) => key));
    // What these change of the host, and those that come, is one change.
    const changes = kernels.map((kernel) => kernel.close());
    const names = new Set(all.map(({ name }) => name.toLowerCase()));
    for (const key of leases.keys()) if (!names.has(key)) leases.delete(key);
    for (const [key, hub] of wanted) {
      const live = hubs.find(key);
      if (live !== undefined && !running.has(key)) changes.push(this.#start(key, hub, live));
    }
    await Promise.all(changes);
  }

  async #look(): Promise<void> {
    const running = [...this.#options.running];
    const reasons = await Promise.all(running.map(async ([, { kernel }]) => kernel?.check()));
    await Promise.all(
      running.map(async ([key, each], index) => {
        const reason = reasons[index];
        if (reason !== undefined) await this.#fallBack(key, each, reason);
        else if (each.kernel === undefined && this.#mayTryAgain(key, each)) await this.#tryAgain(key, each);
      }),
    );
  }

  async #start(key: string, { name, secureNat: settings }: HubSettings, live: LiveHub): Promise<void> {
    let kernel: KernelWay | undefined;
    let reason: string | undefined;
    if (settings.nat.enabled && settings.nat.byKernel) {
      try {
        kernel = await this.#openKernel(key, settings);
      } catch (error) {
        reason = wordsOf(error);
      }
    }
    try {
      this.#run(key, live, settings, kernel, reason);
    } catch (error) {
      await kernel?.close();
      this.#options.warn(`SecureNAT of hub ${name} does not run: ${wordsOf(error)}`);
    }
  }

  #openKernel(key: string, { host, nat }: HubSettings["secureNat"]): Promise<KernelWay> {
    this.#triedAt.set(key, this.#options.now());
    const { running } = this.#options;
    return this.#options.openKernel({
      mac: host.mac,
      mtu: nat.mtu,
      perClient: nat.perClient,
      receive: (buffer, start, end) => running.get(key)?.nat.receiveFromKernel(buffer, start, end),
      lost: () => void this.look(),
    });
  }

  #run(
    key: string,
    hub: LiveHub,
    settings: HubSettings["secureNat"],
    kernel: KernelWay | undefined,
    reason: string | undefined,
  ): void {
    const { running, createOutside, leases } = this.#options;
    const started = new RunningSecureNat({
      hub,
      settings,
      outside: createOutside(),
      leases: leases.get(key) ?? [],
      kernel,
      reason,
    });
    running.set(key, started);
    started.logWay();
  }

  /** @returns the ways of those that had one, still open: to close all of them at once is one change of the host */
  async #end(keys: readonly string[]): Promise<KernelWay[]> {
    const { running, leases } = this.#options;
    const ended = keys.map((key) => [key, running.get(key)] as const);
    await Promise.all(
      ended.map(async ([key, each]) => {
        if (each === undefined) return;
        leases.set(key, each.nat.keptLeases());
        this.#ended++;
        await each.stop();
        running.delete(key);
        this.#triedAt.delete(key);
      }),
    );
    return ended.flatMap(([, each]) => each?.kernel ?? []);
  }

  async #fallBack(key: string, former: RunningSecureNat, reason: string): Promise<void> {
    this.#triedAt.set(key, this.#options.now());
    await this.#replace(key, former, undefined, reason);
    await former.kernel?.close();
  }

  /** Clients notice nothing but that their connections have ended. */
  async #replace(
    key: string,
    former: RunningSecureNat,
    kernel: KernelWay | undefined,
    reason: string | undefined,
  ): Promise<void> {
    this.#options.leases.set(key, former.nat.keptLeases());
    this.#ended++;
    await former.stop();
    this.#run(key, former.hub, former.settings, kernel, reason);
  }

  /** Connections by sockets do not go on when the kernel takes over, so it has to wait until there is none. */
  #mayTryAgain(key: string, each: RunningSecureNat): boolean {
    const { enabled, byKernel } = each.settings.nat;
    const isDue = this.#options.now() - (this.#triedAt.get(key) ?? 0) >= kernelNatLimits.retryMs;
    return enabled && byKernel && isDue && isIdle(each);
  }

  async #tryAgain(key: string, former: RunningSecureNat): Promise<void> {
    const kernel = await this.#openKernel(key, former.settings).catch(() => undefined);
    if (kernel === undefined) return;
    // Somebody may have begun meanwhile.
    if (isIdle(former)) await this.#replace(key, former, kernel, undefined);
    else await kernel.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function isIdle({ nat }: RunningSecureNat): boolean {
  const { tcp, udp, ping } = nat.counts();
  return tcp + udp + ping === 0;
}
