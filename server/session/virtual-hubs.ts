import { isDeepStrictEqual } from "node:util";
import type { Hub, HubLog } from "../hub/hub.ts";
import type { Authentication, HubSettings, UserSettings } from "../hub/hub-settings.ts";
import type { PortCounters } from "../hub/port-counters.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import type { Policy } from "../wire/policy.ts";
import type { NodeInfo, LoginClient } from "../wire/login.ts";
import { HubActivity } from "./hub-activity.ts";
import type { Session, SessionEnd } from "./session.ts";

/** A session in its hub, with what the administration shows of it. */
export interface HubSession {
  readonly session: Session;
  readonly hub: LiveHub;
  /** Of the user when the session began; undefined for the administrator. */
  readonly user: UserSettings | undefined;
  /** What held for the user then, before the session's own restrictions. */
  readonly policy: Policy;
  readonly key: Buffer;
  readonly client: LoginClient;
  readonly node: NodeInfo;
  readonly counters: PortCounters;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
}

/** A Virtual Hub at run time: the switch and the sessions that are plugged into it. */
export interface LiveHub {
  readonly hub: Hub;
  readonly log: HubLog;
  /** By session name. */
  readonly sessions: Map<string, HubSession>;
  readonly activity: HubActivity;
  /** Sessions since the hub was made, for their names. */
  sessionCount: number;
}

export interface VirtualHubsOptions {
  /** Makes the switch of a new hub. */
  readonly createHub: (settings: HubSettings, log: HubLog) => Hub;
  readonly createLog: (hubName: string) => HubLog;
  /** Resolves the policy that holds for a user. */
  readonly policyOf: (hub: HubSettings, user: UserSettings) => Policy;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** What happened in a hub before this run of the server; asked for when the hub is made. */
  readonly formerStatistics?: (hubName: string) => HubStatistics | undefined;
}

/** All Virtual Hubs of the server, as they are configured now. Hub names are told apart without regard to case. */
export class VirtualHubs {
  readonly #options: VirtualHubsOptions;
  readonly #hubs = new Map<string, LiveHub>();

  constructor(options: VirtualHubsOptions) {
    this.#options = options;
  }

  /** In the order of the configuration. */
  [Symbol.iterator](): Iterator<LiveHub> {
    return this.#hubs.values();
  }

  find(name: string): LiveHub | undefined {
    return this.#hubs.get(name.toLowerCase());
  }

  /** What happened in a hub since it was made, with what the sessions that go on have added. */
  statistics(hubName: string): HubStatistics {
    const live = this.find(hubName);
    return (live?.activity ?? new HubActivity(0)).statistics(
      [...(live?.sessions.values() ?? [])].map(({ session: { user }, counters }) => ({ user, counters })),
    );
  }

  /**
   * Makes the hubs what the settings say, all others gone. Ends the sessions that may not go on: of hubs that are gone or
   * offline, and of users that are gone or expired, or whose authentication or policy is another. Every other session goes on
   * undisturbed.
   *
   * @returns names of the sessions that were ended
   */
  apply(settings: readonly HubSettings[]): string[] {
    const ended: string[] = [];
    const end = ({ session }: HubSession, reason: SessionEnd) => {
      ended.push(session.name);
      session.end(reason);
    };
    const wanted = new Map(settings.map((each) => [each.name.toLowerCase(), each]));
    for (const [key, live] of this.#hubs) {
      if (wanted.has(key)) continue;
      for (const session of [...live.sessions.values()]) end(session, "hub deleted");
      live.log.security("The Virtual Hub was deleted.", { event: "hub-deleted" });
      this.#hubs.delete(key);
    }
    for (const [key, each] of wanted) {
      const live = this.#hubs.get(key);
      if (live === undefined) {
        const log = this.#options.createLog(each.name);
        this.#hubs.set(key, {
          hub: this.#options.createHub(each, log),
          log,
          sessions: new Map(),
          activity: new HubActivity(this.#options.unixNow(), this.#options.formerStatistics?.(each.name)),
          sessionCount: 0,
        });
        tellState(log, each);
        continue;
      }
      const former = live.hub.settings;
      if (former === each) continue;
      live.hub.update(each);
      if (former.online !== each.online) tellState(live.log, each);
      for (const session of [...live.sessions.values()]) {
        if (!each.online) end(session, "hub offline");
        else if (!this.#mayGoOn(session, each, former)) end(session, "user changed");
      }
    }
    return ended;
  }

  #mayGoOn({ user: before, policy }: HubSession, hub: HubSettings, former: HubSettings): boolean {
    if (before === undefined) return true;
    const user = hub.users.get(before.name.toLowerCase());
    if (user === undefined) return false;
    if (user.expiresAt !== undefined && user.expiresAt <= this.#options.unixNow()) return false;
    const isSame =
      user === before && hub.groups === former.groups && hub.adminOptions === former.adminOptions;
    return (
      isSame ||
      (isDeepStrictEqual(comparable(user.authentication), comparable(before.authentication)) &&
        isDeepStrictEqual(this.#options.policyOf(hub, user), policy))
    );
  }
}

function tellState(log: HubLog, { online }: HubSettings): void {
  const state = online ? "online" : "offline";
  log.security(`The Virtual Hub is ${state}.`, { event: `hub-${state}` });
}

/** With bytes as text: whether they are held in a Buffer or an array makes no difference here. */
function comparable(authentication: Authentication): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(authentication).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ]),
  );
}
