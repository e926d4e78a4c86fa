import type { HubSettings } from "../settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../settings/policy.ts";
import { sessionLimits } from "../limits.ts";
import type { EntryRequest } from "./entry-request.ts";
import type { Authenticated } from "./authenticate.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { standingOf, type Claim, type Problem, type Standing } from "./standing.ts";
import { administratorName, lower } from "./user-policy.ts";

/** A session that is to be made, with all that was agreed. */
export interface Admission {
  readonly type: "admitted";
  readonly claim: Claim;
  readonly standing: Standing;
  /** As the user was made; the session is named after it. */
  readonly userName: string;
  /** Name of the user's group. */
  readonly group: string | undefined;
  /** What holds for the session: what the user is granted without what the client did not ask for. */
  readonly policy: Policy;
  /** The session sees all frames of the hub. */
  readonly monitor: boolean;
  /** Names of the sessions whose place the new one takes: they have to end. */
  readonly replaces: readonly string[];
}

/** A session that is there already, as far as it stands in the way of another. */
export interface OpenSession {
  /** Such as `SID-ALICE-1`. */
  readonly name: string;
  readonly userName: string;
  /** From the client's node information, 16 bytes. */
  readonly nodeUniqueId: Uint8Array;
  /** TCP connections that it has at present. */
  readonly connections: number;
  /** It may bridge or route. */
  readonly bridges: boolean;
}

export interface AdmissionContext {
  /** Unix time in milliseconds. */
  readonly now: number;
  /** From where the client came. */
  readonly address: string;
  /** Sessions that clients have with this hub, in the order in which they began. */
  readonly hubSessions: readonly OpenSession[];
  /** Sessions of all hubs. */
  readonly serverSessionCount: number;
  /** Those of them from where the client came: an IPv4 address, or a /48 of IPv6. */
  readonly siteSessionCount: number;
  /** Hubs that are online. */
  readonly hubCount: number;
}

/**
 * Decides whether a user that was authenticated gets a session, and on which terms.
 *
 * Source: `Cedar/Protocol.c` ServerAccept.
 */
export function admit(
  hub: HubSettings,
  request: EntryRequest,
  authenticated: Pick<Authenticated, "user" | "credential">,
  context: AdmissionContext,
): Admission | Refusal {
  const { now, address, hubSessions } = context;
  const claim = claimOf(request, authenticated);
  const standing = standingOf(hub, claim, [address], now);
  if (standing.type === "refused") return standing;
  const { user, granted } = standing;
  const no = (problem: Problem) => refuse(...problem, granted.NoSavePassword);
  const replaces = sessionsToReplace(claim.userName, request, granted, hubSessions);
  if (replaces === undefined) {
    const all = `user "${claim.userName}" has the ${granted.MultiLogins} sessions that its policy allows`;
    return no(["tooManyUserSessions", all]);
  }
  const others = hubSessions.filter(({ name }) => !replaces.includes(name));
  const full =
    hubLimitProblem(hub, claim, countSessions(others)) ??
    userLimitProblem(claim, granted, others) ??
    serverLimitProblem(claim, others, {
      ...context,
      serverSessionCount: context.serverSessionCount - replaces.length,
      siteSessionCount: context.siteSessionCount - replaces.length,
    });
  if (full !== undefined) return no(full);
  const policy = sessionPolicy(claim, granted, isLoopback(address));
  return {
    type: "admitted",
    claim,
    standing,
    userName: claim.userName,
    group: user === administratorName ? undefined : user.group,
    policy,
    monitor: policy.MonitorPort,
    replaces,
  };
}

function claimOf(
  { proof, client, bridgeMode, monitorMode }: EntryRequest,
  { user, credential }: Pick<Authenticated, "user" | "credential">,
): Claim {
  const isAdministrator = user === administratorName;
  return {
    userName: isAdministrator ? user : user.name,
    isAdministrator,
    credential,
    certificate: proof.type === "certificate" ? proof.certificate : undefined,
    client,
    bridgeMode: bridgeMode || isServer(client.product),
    monitorMode,
  };
}

/** A server or bridge makes a cascade connection, which bridges without saying so. */
function isServer(product: string): boolean {
  return /server|bridge/i.test(product);
}

/**
 * The sessions whose place a new one takes where its user has as many as it may: those of the same machine, which has come back
 * before its old session was given up, and then those that have lost their connections, as any machine may come instead. They
 * must end, or each of them would be one more than the limit; the official server does not count them, and lets them live.
 *
 * A client tells itself which machine it is, so that only sessions of the same user are looked at.
 *
 * @returns names, none where there is room; undefined when there is none to be had
 */
function sessionsToReplace(
  userName: string,
  { node: { uniqueId } }: EntryRequest,
  { MultiLogins: limit }: Policy,
  hubSessions: readonly OpenSession[],
): readonly string[] | undefined {
  if (limit === 0) return [];
  const ofUser = sessionsOf(userName, hubSessions);
  const excess = ofUser.length - limit + 1;
  if (excess <= 0) return [];
  const isOwn = ({ nodeUniqueId }: OpenSession) => isSameNode(nodeUniqueId, uniqueId);
  const isLost = ({ connections }: OpenSession) => connections === 0;
  const rank = (session: OpenSession) => (isOwn(session) ? 0 : 2) + (isLost(session) ? 0 : 1);
  const replaceable = ofUser
    .filter((session) => isOwn(session) || isLost(session))
    .sort((one, other) => rank(one) - rank(other));
  return excess > replaceable.length ? undefined : replaceable.slice(0, excess).map(({ name }) => name);
}

function sessionsOf(userName: string, hubSessions: readonly OpenSession[]): OpenSession[] {
  return hubSessions.filter((session) => session.userName.toLowerCase() === userName.toLowerCase());
}

function isSameNode(left: Uint8Array, right: Uint8Array): boolean {
  return left.some((byte) => byte !== 0) && Buffer.from(left).equals(right);
}

/** Sessions of a hub, as its limits count them. */
export interface SessionCount {
  sessions: number;
  /** Those of them that may bridge or route. */
  bridges: number;
}

function countSessions(sessions: readonly OpenSession[]): SessionCount {
  return { sessions: sessions.length, bridges: sessions.filter(({ bridges }) => bridges).length };
}

/** Whether the hub has room for a session beside those that are counted. */
export function hubLimitProblem(
  hub: HubSettings,
  { isAdministrator, bridgeMode }: Pick<Claim, "isAdministrator" | "bridgeMode">,
  { sessions, bridges }: SessionCount,
): Problem | undefined {
  if (isAdministrator) return undefined;
  const { max_sessions_client_bridge_apply: counted, ...limits } = hub.adminOptions;
  const most = lower(hub.maxSessions, limits.max_sessions);
  if (most !== 0 && sessions >= most) {
    return ["hubBusy", `the hub has ${sessions} sessions; it allows ${most}`];
  }
  if (!counted) return undefined;
  const [kind, alike, allowed] = bridgeMode
    ? ["bridges", bridges, limits.max_sessions_bridge ?? 0]
    : ["clients", sessions - bridges, limits.max_sessions_client ?? 0];
  if (alike < allowed) return undefined;
  return ["hubBusy", `the hub has ${alike} sessions of ${kind}; its administrator may have ${allowed}`];
}

/** Whether a user has room that no policy holds to a number. */
function userLimitProblem(
  { userName }: Claim,
  { MultiLogins }: Policy,
  hubSessions: readonly OpenSession[],
): Problem | undefined {
  if (MultiLogins !== 0) return undefined;
  const own = sessionsOf(userName, hubSessions).length;
  if (own < sessionLimits.perUser) return undefined;
  return [
    "tooManyUserSessions",
    `user "${userName}" has ${own} sessions; the server allows ${sessionLimits.perUser}`,
  ];
}

/**
 * Whether the server has room. The last places are for users that have few sessions, in hubs that have no more than their share of
 * all: no user, and no hub with many users, takes all of them.
 */
function serverLimitProblem(
  { userName }: Claim,
  hubSessions: readonly OpenSession[],
  { address, serverSessionCount, siteSessionCount, hubCount }: AdmissionContext,
): Problem | undefined {
  const { sessions: most, perAddress, kept, few } = sessionLimits;
  const full = `the server has ${serverSessionCount} sessions; it allows ${most}`;
  if (serverSessionCount >= most) return ["hubBusy", full];
  if (siteSessionCount >= perAddress && !isLoopback(address)) {
    return [
      "hubBusy",
      `${siteSessionCount} sessions come from where ${address} is; ${perAddress} are allowed`,
    ];
  }
  if (serverSessionCount < most - kept) return undefined;
  const ofUser = sessionsOf(userName, hubSessions).length;
  if (ofUser >= few) return ["hubBusy", `${full}, the last ${kept} to users that have less than ${few}`];
  const share = Math.max(few, Math.ceil(most / Math.max(hubCount, 1)));
  if (hubSessions.length < share) return undefined;
  return ["hubBusy", `${full}, the last ${kept} in hubs that have less than ${share}`];
}

function sessionPolicy({ bridgeMode, monitorMode }: Claim, granted: Policy, sameHost: boolean): Policy {
  return {
    ...granted,
    MaxConnection: granted.MaxConnection || defaultPolicy.MaxConnection,
    TimeOut: granted.TimeOut || defaultPolicy.TimeOut,
    MonitorPort: granted.MonitorPort && monitorMode,
    // A client that does not want to bridge or route is held to one address; on this very host both are always allowed.
    NoBridge: !sameHost && (granted.NoBridge || !bridgeMode),
    NoRouting: !sameHost && (granted.NoRouting || !bridgeMode),
  };
}
