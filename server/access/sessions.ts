import type { HubEvent } from "../hub/hub-log.ts";
import type { HubPort } from "../hub/hub-port.ts";
import { siteOf } from "../ethernet/ip-address.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import type { Policy } from "../settings/policy.ts";
import type { Steps } from "../turns.ts";
import { admit, type Admission } from "./admission.ts";
import { authenticate, type Authenticated } from "./authenticate.ts";
import { authenticationFailure } from "./authentication-failure.ts";
import type { EntryRequest } from "./entry-request.ts";
import { unseenReasons, type Attempt, type PasswordThrottle } from "./password-throttle.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { placeProblem } from "./standing.ts";
import { bridges, review, type HubSession, type LiveHub, type VirtualHubs } from "./virtual-hubs.ts";
import type { Link, SessionEnd, VpnSession } from "./vpn-session.ts";

/** Sessions that are looked at in one step. */
const ticksPerStep = 16;

export interface SessionsOptions {
  readonly hubs: VirtualHubs;
  /** Unix time in milliseconds. */
  readonly unixNow: () => number;
  /** Called with what concerns no hub, for the server log, and the same for programs. */
  readonly tellServer: (text: string, event: HubEvent) => void;
  readonly throttle: PasswordThrottle;
}

/** A session that may begin, and on which terms. */
export interface AdmittedSession {
  /** Such as `SID-ALICE-1`. */
  readonly name: string;
  readonly hubName: string;
  readonly user: HubPort["user"];
  readonly policy: Policy;
  /** The session sees all frames of the hub. */
  readonly monitor: boolean;
  readonly peerAddress: string;
  /** To be called once, when the session has ended. */
  readonly onEnd: (reason: SessionEnd, cause?: string) => void;
}

/** A session that has begun. */
export interface Entered<Session> {
  readonly type: "entered";
  readonly session: Session;
  readonly hub: LiveHub;
}

/** Somebody who asks something of a hub, as logs name it. */
export type Asker = Pick<EntryRequest, "connectionName" | "peer" | "userName"> & {
  /** The connection in the words of the log, such as `Connection "CID-7"`. */
  readonly description: string;
};

/**
 * The sessions of all hubs, and the one way into a hub for users: who it is, whether there is room, and on which terms. Protocols
 * ask for entry and make the session of what they get; they need not know each other.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #all = new Set<HubSession>();
  /** How many come from each site, as {@link siteOf} names it. */
  readonly #perSite = new Map<string, number>();
  #closed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** In the order in which they began. */
  [Symbol.iterator](): Iterator<HubSession> {
    return this.#all.values();
  }

  /**
   * Lets somebody into a hub, at once or when a wrong password before has been waited for.
   *
   * @param open makes the session; called at once before this returns or resolves
   */
  enter<Session extends VpnSession>(
    request: EntryRequest,
    open: (admitted: AdmittedSession) => Session,
  ): Entered<Session> | Refusal | Promise<Entered<Session> | Refusal> {
    const live = this.#options.hubs.find(request.hubName);
    const { address, port } = request.peer;
    const description = `Connection "${request.connectionName}" (${request.client.product}, ${address}:${port})`;
    const asker: Asker = { ...request, description };
    if (live === undefined) return this.#refuseWithoutHub(request, asker);
    if (this.#closed) return refuse("serverCannotAccept", "the server stops");
    const outside = placeProblem(live.hub.settings, [address]);
    if (outside !== undefined) return this.refuse(live, asker, refuse(...outside));
    const attempt = this.throttled(
      live,
      request,
      () =>
        authenticate(live.hub.settings, request, {
          now: this.#options.unixNow(),
          loopback: isLoopback(address),
        }),
      ({ type }) => type === "authenticated",
    );
    const admitWith = (authenticated: Awaited<typeof attempt>) =>
      this.#admit(live, request, asker, authenticated, open);
    return attempt instanceof Promise ? attempt.then(admitWith) : admitWith(attempt);
  }

  /**
   * Looks at a proof of a user of a hub when it is its turn; see {@link PasswordThrottle.attempt}. Wrong ones of the same user from
   * the same network count together, whatever they were sent for.
   */
  throttled<Result>(
    { hub }: LiveHub,
    { peer, userName, gone, node }: Pick<EntryRequest, "peer" | "userName" | "gone"> & Partial<EntryRequest>,
    look: () => Result,
    isRight: (result: Result) => boolean,
  ): Attempt<Result> | Promise<Attempt<Result>> {
    const { address, user } = peer;
    const device = node?.uniqueId.some((byte) => byte !== 0)
      ? Buffer.from(node.uniqueId).toString("hex")
      : undefined;
    const source = { address, user, device, account: `${hub.settings.name}/${userName}`, gone };
    return this.#options.throttle.attempt(source, look, isRight);
  }

  /** Logs that a hub refused somebody. */
  refuse(
    { log }: LiveHub,
    { description, connectionName, peer, userName }: Asker,
    refusal: Refusal,
  ): Refusal {
    const event = { event: "login-refused", user: userName, peer: peer.address, error: refusal.error };
    log.security(`${description}: refused: ${refusal.reason}.`, event);
    if (refusal.error === "authenticationFailed") {
      log.security(authenticationFailure(connectionName, userName, peer.address), {
        asItIs: true,
        peer: peer.address,
      });
    }
    return refusal;
  }

  /** Does what is due in every session; in steps, since a keep-alive is a write and an end is several. */
  *tick(): Steps<void> {
    const now = this.#options.unixNow();
    let ticks = 0;
    for (const entry of [...this.#all]) {
      // It has ended meanwhile.
      if (!this.#all.has(entry)) continue;
      const why = now < entry.goodUntil ? undefined : review(entry, now);
      if (why === undefined) entry.session.tick();
      else entry.session.end(...why);
      if (++ticks % ticksPerStep === 0 || !this.#all.has(entry)) yield;
    }
  }

  /** Ends every session and takes no more. */
  close(): void {
    this.#closed = true;
    for (const { session } of [...this.#all]) session.end("server stops");
  }

  #refuseWithoutHub({ hubName }: EntryRequest, { description, userName, peer }: Asker): Refusal {
    const refusal = refuse("hubNotFound", `there is no hub "${hubName}"`);
    const event = { event: "login-refused", hub: hubName, user: userName, peer: peer.address };
    this.#options.tellServer(`${description}: refused: ${refusal.reason}.`, {
      ...event,
      error: refusal.error,
    });
    return refusal;
  }

  #admit<Session extends VpnSession>(
    live: LiveHub,
    request: EntryRequest,
    asker: Asker,
    authenticated: Attempt<Authenticated | Refusal>,
    open: (admitted: AdmittedSession) => Session,
  ): Entered<Session> | Refusal {
    if (authenticated === "too many" || authenticated === "gone") {
      const error = authenticated === "gone" ? "disconnected" : "authenticationFailed";
      return this.refuse(live, asker, refuse(error, unseenReasons[authenticated]));
    }
    if (authenticated.type === "refused") return this.refuse(live, asker, authenticated);
    // It may have waited since the hub was looked at.
    if (this.#closed) return refuse("serverCannotAccept", "the server stops");
    if (this.#options.hubs.find(request.hubName) !== live || !live.hub.settings.online) {
      return refuse("hubStopped", "the hub has stopped meanwhile");
    }
    live.log.security(
      `${asker.description}: user "${request.userName}" was authenticated by ${authenticated.method}.`,
    );
    const admission = admit(live.hub.settings, request, authenticated, {
      now: this.#options.unixNow(),
      address: request.peer.address,
      hubSessions: [...live.sessions.values()].map((entry) => ({
        name: entry.session.name,
        userName: entry.session.user.name,
        nodeUniqueId: entry.node.uniqueId,
        connections: entry.session.connections,
        bridges: bridges(entry),
      })),
      serverSessionCount: this.#all.size,
      siteSessionCount: this.#perSite.get(siteOf(request.peer.address)) ?? 0,
      hubCount: [...this.#options.hubs].filter(({ hub }) => hub.settings.online).length,
    });
    if (admission.type === "refused") return this.refuse(live, asker, admission);
    for (const name of admission.replaces) {
      live.sessions
        .get(name)
        ?.session.end("replaced", `${asker.description}: user "${admission.userName}" came again`);
    }
    return { type: "entered", session: this.#begin(live, request, admission, open), hub: live };
  }

  #begin<Session extends VpnSession>(
    live: LiveHub,
    { peer, connectionName, client, node }: EntryRequest,
    { userName, group, policy, monitor, standing, claim }: Admission,
    open: (admitted: AdmittedSession) => Session,
  ): Session {
    const session = open({
      name: `SID-${userName.toUpperCase()}-${++live.sessionCount}`,
      user: { name: userName, group },
      policy,
      monitor,
      hubName: live.hub.settings.name,
      peerAddress: peer.address,
      onEnd: (reason, cause) => this.#ended(entry, reason, cause),
    });
    const attachment = live.hub.attach(session);
    const { user, granted, until } = standing;
    const entry: HubSession = {
      session,
      hub: live,
      user: user === "administrator" ? undefined : user,
      policy: granted,
      claim,
      goodUntil: until,
      client,
      node,
      counters: attachment.counters,
      peerAddress: peer.address,
      startedAt: this.#options.unixNow(),
    };
    this.#all.add(entry);
    this.#count(entry, 1);
    live.sessions.set(session.name, entry);
    session.plugInto(attachment);
    live.activity.began(userName, entry.startedAt);
    live.log.security(
      `Session "${session.name}": began for user "${userName}" from ${peer.address} by connection "${connectionName}"; ${describeLink(session.link)}.`,
      {
        event: "session-began",
        session: session.name,
        user: userName,
        peer: peer.address,
        client: client.product,
      },
    );
    return session;
  }

  #count({ peerAddress }: HubSession, difference: 1 | -1): void {
    const site = siteOf(peerAddress);
    const count = (this.#perSite.get(site) ?? 0) + difference;
    if (count > 0) this.#perSite.set(site, count);
    else this.#perSite.delete(site);
  }

  #ended(entry: HubSession, reason: SessionEnd, cause?: string): void {
    if (this.#all.delete(entry)) this.#count(entry, -1);
    entry.hub.sessions.delete(entry.session.name);
    entry.hub.activity.ended({ user: entry.session.user, counters: entry.counters }, this.#options.unixNow());
    const { name, user } = entry.session;
    const event = { event: "session-ended", session: name, user: user.name, reason };
    const why = cause === undefined ? reason : `${reason}: ${cause}`;
    entry.hub.log.security(`Session "${name}": ended (${why}).`, event);
  }
}

function describeLink({ maxConnections, encrypt, compress, halfDuplex, qos, timeoutMs }: Link): string {
  const flags = [
    encrypt ? "encrypted" : "in clear",
    ...(compress ? ["compressed"] : []),
    ...(halfDuplex ? ["half duplex"] : []),
    ...(qos ? ["VoIP / QoS"] : []),
  ];
  return `at most ${maxConnections} connections, ${flags.join(", ")}, time-out ${timeoutMs / 1000} s`;
}
