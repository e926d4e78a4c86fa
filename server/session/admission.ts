import type { HubSettings } from "../hub/hub-settings.ts";
import { defaultPolicy, type Policy } from "../wire/policy.ts";
import { sessionLimits } from "../limits.ts";
import type { LoginRequest } from "../wire/login.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import type { Authenticated } from "./authenticate.ts";
import { refuse, type Refusal } from "./refusal.ts";
import type { SessionParameters } from "./session.ts";
import { lower, policyOf, withinLimits } from "./user-policy.ts";

/** A session that is to be made, with all that was agreed. */
export interface Admission {
  readonly type: "admitted";
  /** As the user was made; the session is named after it. */
  readonly userName: string;
  /** Name of the user's group. */
  readonly group: string | undefined;
  /** What holds for the session: what the user is granted without what the client did not ask for. */
  readonly policy: Policy;
  /** The session sees all frames of the hub. */
  readonly monitor: boolean;
  readonly parameters: SessionParameters;
}

/** A session that is there already, as far as it stands in the way of another. */
export interface OpenSession {
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
  /** The client came from an address of this host. */
  readonly sameHost: boolean;
  /** Sessions that clients have with this hub. */
  readonly hubSessions: readonly OpenSession[];
  /** Sessions of all hubs. */
  readonly serverSessionCount: number;
}

/** What the client is told, and what the log is told. */
type Problem = readonly [error: ProtocolError, reason: string];

/** A login that was authenticated, and what its user is granted. */
interface Applicant {
  readonly hub: HubSettings;
  readonly request: LoginRequest;
  readonly user: Authenticated["user"];
  readonly userName: string;
  readonly granted: Policy;
  readonly bridgeMode: boolean;
}

/**
 * Decides whether a user that was authenticated gets a session, and on which terms. The order of the checks, which decides
 * what a client is told that several stand against, is the official server's.
 *
 * Source: `Cedar/Protocol.c` ServerAccept.
 */
export function admit(
  hub: HubSettings,
  request: LoginRequest,
  { user }: Pick<Authenticated, "user">,
  context: AdmissionContext,
): Admission | Refusal {
  const isAdministrator = user === "administrator";
  const applicant: Applicant = {
    hub,
    request,
    user,
    userName: isAdministrator ? user : user.name,
    granted: isAdministrator
      ? withinLimits(hub, { ...defaultPolicy, NoBroadcastLimiter: true, MonitorPort: true })
      : policyOf(hub, user),
    bridgeMode: request.bridgeMode || isServer(request.client.product),
  };
  const problem =
    clientProblem(applicant) ?? accountProblem(applicant, context.now) ?? limitProblem(applicant, context);
  if (problem !== undefined) {
    const [error, reason] = problem;
    return refuse(error, reason, applicant.granted.NoSavePassword);
  }
  const policy = sessionPolicy(applicant, context.sameHost);
  return {
    type: "admitted",
    userName: applicant.userName,
    group: isAdministrator ? undefined : user.group,
    policy,
    monitor: policy.MonitorPort,
    parameters: negotiate(request, policy),
  };
}

/** A server or bridge makes a cascade connection, which bridges without saying so. */
function isServer(product: string): boolean {
  return /server|bridge/i.test(product);
}

/** Whether the client is one that the hub takes. Only what calls itself a client has to be of a version. */
function clientProblem({ hub, request: { client } }: Applicant): Problem | undefined {
  if (!/client/i.test(client.product)) return undefined;
  const { ClientMinimumRequiredBuild: leastBuild, RequiredClientId: requiredId } = hub.options;
  if (client.build < leastBuild) {
    return [
      "versionInvalid",
      `the client is of build ${client.build}; the hub takes ${leastBuild} and later`,
    ];
  }
  if (requiredId !== 0 && client.clientId !== requiredId) {
    return [
      "clientIdRequired",
      `the client has the id ${client.clientId}; the hub takes ${requiredId} alone`,
    ];
  }
  return undefined;
}

/** Whether the user may log in now, in the modes that the client wants. */
function accountProblem(applicant: Applicant, now: number): Problem | undefined {
  const { request, user, userName, granted, bridgeMode } = applicant;
  const expiresAt = user === "administrator" ? undefined : user.expiresAt;
  if (expiresAt !== undefined && expiresAt <= now) {
    return ["accessDenied", `user "${userName}" expired at ${new Date(expiresAt).toISOString()}`];
  }
  if (!granted.Access) return ["accessDenied", `the policy of user "${userName}" allows no access`];
  if (request.monitorMode && !granted.MonitorPort) {
    return ["monitorModeDenied", `the policy of user "${userName}" allows no monitoring mode`];
  }
  if (bridgeMode && granted.NoBridge && granted.NoRouting) {
    return ["bridgeModeDenied", `the policy of user "${userName}" allows neither bridging nor routing`];
  }
  return undefined;
}

/** Whether there is room for one session more. */
function limitProblem(applicant: Applicant, context: AdmissionContext): Problem | undefined {
  const { hub, request, user, userName, granted } = applicant;
  const { hubSessions, serverSessionCount } = context;
  if (granted.MultiLogins !== 0) {
    const name = userName.toLowerCase();
    const others = hubSessions.filter(
      (session) =>
        session.connections > 0 &&
        session.userName.toLowerCase() === name &&
        !isSameNode(session.nodeUniqueId, request.node.uniqueId),
    ).length;
    if (others >= granted.MultiLogins) {
      return [
        "tooManyUserSessions",
        `user "${userName}" has ${others} sessions; its policy allows ${granted.MultiLogins}`,
      ];
    }
  }
  const most = lower(hub.maxSessions, hub.adminOptions.max_sessions);
  if (user !== "administrator" && most !== 0 && hubSessions.length >= most) {
    return ["hubBusy", `the hub has ${hubSessions.length} sessions; it allows ${most}`];
  }
  const { max_sessions_client_bridge_apply: counted, ...limits } = hub.adminOptions;
  if (user !== "administrator" && counted) {
    const alike = hubSessions.filter(({ bridges }) => bridges === applicant.bridgeMode).length;
    const [kind, allowed] = applicant.bridgeMode
      ? ["bridges", limits.max_sessions_bridge ?? 0]
      : ["clients", limits.max_sessions_client ?? 0];
    if (alike >= allowed) {
      return ["hubBusy", `the hub has ${alike} sessions of ${kind}; its administrator may have ${allowed}`];
    }
  }
  if (serverSessionCount >= sessionLimits.sessions) {
    return ["hubBusy", `the server has ${serverSessionCount} sessions; it allows ${sessionLimits.sessions}`];
  }
  return undefined;
}

/** A client that comes again before its old session is given up is not counted against itself. */
function isSameNode(left: Uint8Array, right: Uint8Array): boolean {
  return left.some((byte) => byte !== 0) && Buffer.from(left).equals(right);
}

function sessionPolicy({ request, granted, bridgeMode }: Applicant, sameHost: boolean): Policy {
  return {
    ...granted,
    MaxConnection: granted.MaxConnection || defaultPolicy.MaxConnection,
    TimeOut: granted.TimeOut || defaultPolicy.TimeOut,
    MonitorPort: granted.MonitorPort && request.monitorMode,
    // A client that does not want to bridge or route is held to one address; on this very host both are always allowed.
    NoBridge: !sameHost && (granted.NoBridge || !bridgeMode),
    NoRouting: !sameHost && (granted.NoRouting || !bridgeMode),
  };
}

/** The parameters of the session, from what the client asked for and what its policy allows. */
function negotiate(request: LoginRequest, policy: Policy): SessionParameters {
  const { halfDuplex, encrypt, compress } = request;
  const qos = request.qos && !policy.NoQoS && !request.monitorMode;
  const { least, most } = sessionLimits.timeoutSeconds;
  // Half duplex takes a connection for each way, frames that should not wait take another for each way.
  const floor = (halfDuplex ? 2 : 1) * (qos ? 2 : 1);
  const allowed = Math.min(request.maxConnections, policy.MaxConnection, sessionLimits.connections);
  return {
    timeoutMs: Math.min(Math.max(policy.TimeOut, least), most) * 1000,
    maxConnections: Math.max(allowed, floor),
    halfDuplex,
    encrypt,
    compress,
    qos,
  };
}
