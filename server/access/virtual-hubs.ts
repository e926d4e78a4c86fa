import { isDeepStrictEqual } from "node:util";
import type { Hub, HubLog } from "../hub/hub.ts";
import type { HubSettings, UserSettings } from "../settings/hub-settings.ts";
import { createPortCounters, type PortCounters } from "../hub/port-counters.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import { atOnce, type Steps } from "../turns.ts";
import type { Policy } from "../settings/policy.ts";
import type { ClientProgram, NodeInfo } from "./client-info.ts";
import { hubLimitProblem } from "./admission.ts";
import { readAuthoritiesInSteps } from "./certificate-login.ts";
import { HubActivity } from "./hub-activity.ts";
import type { SessionEnd, VpnSession } from "./vpn-session.ts";
import { standingOf, type Claim, type Problem } from "./standing.ts";

/** A session in its hub, with what the administration shows of it. */
export interface HubSession {
  readonly session: VpnSession;
  readonly hub: LiveHub;
  /** Of the user when the session began; undefined for the administrator. */
  readonly user: UserSettings | undefined;
  /** What held for the user then, before the session's own restrictions. */
  readonly policy: Policy;
  /** What it stands on. */
  readonly claim: Claim;
  /** Unix time in milliseconds from when time alone may have taken it the right to be. */
  goodUntil: number;
  readonly client: ClientProgram;
  readonly node: NodeInfo;
  readonly counters: PortCounters;
  /** From where the client came at the login. */
  readonly peerAddress: string;
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
      live?.hub.counters ?? createPortCounters(),
    );
  }

  /**
   * Makes the hubs what the settings say, all others gone. Ends the sessions that may not go on: those that would not get in any
   * more, or on other terms. Every other session goes on undisturbed.
   *
   * @returns names of the sessions that were ended
   */
  apply(settings: readonly HubSettings[]): string[] {
    return this.begin(settings).flatMap(({ steps }) => atOnce(steps));
  }

  /**
   * Like {@link apply}, in steps: the settings hold when it returns, and the sessions of each hub that changed are left to be looked at,
   * of which there may be thousands.
   */
  begin(settings: readonly HubSettings[]): HubReview[] {
    const reviews: HubReview[] = [];
    const wanted = new Map(settings.map((each) => [each.name.toLowerCase(), each]));
    for (const [key, live] of this.#hubs) {
      if (wanted.has(key)) continue;
      live.log.security("The Virtual Hub was deleted.", { event: "hub-deleted" });
      this.#hubs.delete(key);
      reviews.push({ hub: key, steps: endAll(live) });
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
        reviews.push({ hub: key, steps: prepare(each) });
        continue;
      }
      const former = live.hub.settings;
      if (former === each) continue;
      live.hub.update(each);
      if (former.online !== each.online) tellState(live.log, each);
      reviews.push({ hub: key, steps: this.#review(live, former) });
    }
    return reviews;
  }

  /** Ends the sessions of a hub that may not go on, now that its settings have changed. */
  *#review(live: LiveHub, former: HubSettings): Steps<string[]> {
    const { settings } = live.hub;
    yield* prepare(settings);
    const isChanged = rightsOfAll.some((name) => settings[name] !== former[name]);
    const mayBeFull = settings.maxSessions !== former.maxSessions || isChanged;
    if (!mayBeFull && settings.users === former.users) return [];
    const now = this.#options.unixNow();
    const left = { sessions: 0, bridges: 0 };
    const ended: string[] = [];
    let looks = 0;
    for (const entry of [...live.sessions.values()]) {
      // A certificate is read again, and its authority's signature verified.
      if (++looks % reviewsPerStep === 0 || entry.claim.certificate !== undefined) yield;
      // It has ended meanwhile.
      if (!live.sessions.has(entry.session.name)) continue;
      const key = entry.claim.userName.toLowerCase();
      const isConcerned = isChanged || settings.users.get(key) !== former.users.get(key);
      const why =
        (isConcerned ? review(entry, now) : undefined) ??
        // Those that came first stay, as if all came again.
        (mayBeFull ? describe(hubLimitProblem(settings, entry.claim, left)) : undefined);
      if (why !== undefined) {
        ended.push(entry.session.name);
        entry.session.end(...why);
        yield;
        continue;
      }
      left.sessions++;
      if (bridges(entry)) left.bridges++;
    }
    return ended;
  }
}

/** What is left to do of a change of one hub. */
export interface HubReview {
  /** Its name in lower case. */
  readonly hub: string;
  /** Give the names of the sessions that were ended. */
  readonly steps: Steps<string[]>;
}

/** Sessions that are looked at in one step. */
const reviewsPerStep = 16;

/** Has what logins go through at hand; settings that did not change are. */
function* prepare({ trustedAuthorities }: HubSettings): Steps<string[]> {
  yield* readAuthoritiesInSteps(trustedAuthorities);
  return [];
}

function* endAll({ sessions }: LiveHub): Steps<string[]> {
  const ended: string[] = [];
  for (const { session } of [...sessions.values()]) {
    ended.push(session.name);
    session.end("hub deleted");
    yield;
  }
  return ended;
}

type End = [reason: SessionEnd, cause?: string];

/** The settings of a hub on which the rights of all its sessions depend. */
const rightsOfAll = [
  "online",
  "options",
  "adminOptions",
  "securePassword",
  "groups",
  "trustedAuthorities",
  "revokedCertificates",
  "sourceAddresses",
] as const satisfies readonly (keyof HubSettings)[];

/**
 * Why a session may not go on under the settings of its hub; undefined when it may.
 *
 * @param now Unix time in milliseconds
 */
export function review(entry: HubSession, now: number): End | undefined {
  const { session, claim } = entry;
  const standing = standingOf(entry.hub.hub.settings, claim, session.peerAddresses, now);
  if (standing.type === "refused") {
    return standing.error === "hubStopped" ? ["hub offline"] : ["not allowed any more", standing.reason];
  }
  entry.goodUntil = standing.until;
  const { user, granted } = standing;
  const group = user === "administrator" ? undefined : user.group;
  if (group?.toLowerCase() !== session.user.group?.toLowerCase()) {
    return ["user changed", `user "${claim.userName}" is in another group`];
  }
  if (!isDeepStrictEqual(granted, entry.policy)) {
    return ["user changed", `the policy of user "${claim.userName}" changed`];
  }
  return undefined;
}

function describe(problem: Problem | undefined): End | undefined {
  return problem && ["not allowed any more", problem[1]];
}

/** Whether a session may bridge or route. */
export function bridges({ session: { policy } }: HubSession): boolean {
  return !policy.NoBridge || !policy.NoRouting;
}

function tellState(log: HubLog, { online }: HubSettings): void {
  const state = online ? "online" : "offline";
  log.security(`The Virtual Hub is ${state}.`, { event: `hub-${state}` });
}
