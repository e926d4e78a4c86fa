import type { LiveHub, VirtualHubs } from "../access/virtual-hubs.ts";
import { wordsOf } from "../error-words.ts";
import { localBridgeLimits } from "../limits.ts";
import { DevicePort } from "../packet-device/device-port.ts";
import type { PacketDevice, PacketDeviceEvents } from "../packet-device/packet-device.ts";
import type { HubSettings } from "../settings/hub-settings.ts";
import type { LocalBridgeSettings } from "../settings/local-bridge-settings.ts";
import { defaultPolicy } from "../settings/policy.ts";

export interface LocalBridgesOptions {
  readonly hubs: Pick<VirtualHubs, "find">;
  /** Opens the device of a bridge; throws why there can be none. */
  readonly open: (bridge: LocalBridgeSettings, events: PacketDeviceEvents) => PacketDevice;
  /** Calls back once after a time; what it returns calls that off. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
}

/** A bridge as it is now. */
export interface LocalBridgeState {
  readonly settings: LocalBridgeSettings;
  /** Whether its hub is there and online. */
  readonly online: boolean;
  /** Whether frames go through. */
  readonly active: boolean;
  /** Why none do although it is online, for people. */
  readonly problem: string | undefined;
}

/** The bridges between hubs and network interfaces: each runs while its hub is online, and tries again while its interface is not there. */
export class LocalBridges {
  readonly #options: LocalBridgesOptions;
  #wanted: readonly LocalBridgeSettings[] = [];
  /** Names of hubs that are, in lower case. */
  #online: ReadonlySet<string> = new Set();
  readonly #running: RunningBridge[] = [];
  /** Until the interfaces of bridges that ended are let go of. */
  #ending: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: LocalBridgesOptions) {
    this.#options = options;
  }

  /**
   * Makes the bridges what the settings say; those that stay go on undisturbed. While interfaces go, a later call may come: what it says
   * holds for both.
   */
  async apply(bridges: readonly LocalBridgeSettings[], hubs: readonly HubSettings[]): Promise<void> {
    // A change may still be on its way when the server ends.
    if (this.#isClosed) return;
    this.#wanted = bridges;
    this.#online = new Set(hubs.filter((hub) => hub.online).map(({ name }) => name.toLowerCase()));
    for (const running of [...this.#running]) {
      const { settings, hub } = running;
      // A hub that was deleted and made anew is another one.
      if (bridges.includes(settings) && this.#liveHubOf(settings) === hub) continue;
      this.#end(running);
    }
    // Another bridge may have the name of an interface that goes.
    await this.#ending;
    if (this.#isClosed) return;
    for (const settings of this.#wanted) {
      const hub = this.#liveHubOf(settings);
      if (hub === undefined || this.#running.some((each) => each.settings === settings)) continue;
      this.#running.push(new RunningBridge(settings, hub, this.#options));
    }
  }

  #liveHubOf({ hubName }: LocalBridgeSettings): LiveHub | undefined {
    return this.#online.has(hubName.toLowerCase()) ? this.#options.hubs.find(hubName) : undefined;
  }

  #end(running: RunningBridge): void {
    this.#running.splice(this.#running.indexOf(running), 1);
    this.#ending = Promise.all([this.#ending, running.close()]);
  }

  /** All that are set up, in the order of the settings. */
  states(): LocalBridgeState[] {
    return this.#wanted.map((settings) => {
      const running = this.#running.find((each) => each.settings === settings);
      const online = running !== undefined;
      return { settings, online, active: running?.active ?? false, problem: running?.problem };
    });
  }

  /** Ends all of them, for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wanted = [];
    for (const running of [...this.#running]) this.#end(running);
    await this.#ending;
  }
}

/** A bridge whose hub is online. */
class RunningBridge {
  readonly settings: LocalBridgeSettings;
  readonly hub: LiveHub;
  problem: string | undefined;
  readonly #options: LocalBridgesOptions;
  #port: DevicePort | undefined;
  #cancelRetry = () => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(settings: LocalBridgeSettings, hub: LiveHub, options: LocalBridgesOptions) {
    this.settings = settings;
    this.hub = hub;
    this.#options = options;
    this.#begin();
  }

  get active(): boolean {
    return this.#port !== undefined;
  }

  /** Resolves when the interface is let go of. */
  close(): Promise<void> {
    this.#cancelRetry();
    if (this.#port === undefined) return this.#ended;
    this.#ended = this.#port.unplug();
    this.#port = undefined;
    this.#tell("ended", "its configuration changed");
    return this.#ended;
  }

  #begin(): void {
    const { settings, hub } = this;
    try {
      const port = new DevicePort({
        name: `SID-LOCALBRIDGE-${hub.sessionCount + 1}`,
        policy: { ...defaultPolicy, NoBroadcastLimiter: !settings.limitsBroadcasts },
        monitor: settings.monitor,
        open: (events) => this.#options.open(settings, events),
        onLost: (error) => {
          this.#port = undefined;
          this.#cancelRetry();
          this.#failed(error);
        },
      });
      hub.sessionCount++;
      port.plugInto(hub.hub.attach(port));
      this.#port = port;
      this.problem = undefined;
      this.#tell("began");
      this.#check();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Has an eye on the interface, as long as frames go through it. */
  #check(): void {
    this.#cancelRetry = this.#options.schedule(() => {
      this.#port?.check();
      if (this.#port !== undefined) this.#check();
    }, localBridgeLimits.retryMs);
  }

  /** Tells of a problem once, as long as it stays the same. */
  #failed(error: unknown): void {
    const problem = wordsOf(error);
    if (problem !== this.problem) this.#tell("failed", problem);
    this.problem = problem;
    this.#cancelRetry = this.#options.schedule(() => this.#begin(), localBridgeLimits.retryMs);
  }

  #tell(what: "began" | "ended" | "failed", reason?: string): void {
    const { deviceName } = this.settings;
    const text = `The local bridge with "${deviceName}" ${what}${reason === undefined ? "" : `: ${reason}`}.`;
    const session = this.#port?.name;
    this.hub.log.security(text, { event: `local-bridge-${what}`, device: deviceName, session, reason });
  }
}
