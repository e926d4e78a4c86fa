import { isDeepStrictEqual } from "node:util";
import type { Authentication, HubSettings, UserSettings } from "../settings/hub-settings.ts";
import { isDeniedSource } from "../settings/source-address-rule.ts";
import { parseAddress } from "../ethernet/ip-address.ts";
import type { ClientProgram } from "./client-info.ts";
import type { Policy } from "../settings/policy.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import { hashPassword } from "../wire/sha0.ts";
import { judgeCertificate, readCertificate } from "./certificate-login.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import { isHashOf } from "./password-proof.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { findUser, policyOf } from "./user-policy.ts";

/** What a login proved and asked for: its session stands on this for as long as it lives. */
export interface Claim {
  /** As the user was made, or `administrator`. */
  readonly userName: string;
  readonly isAdministrator: boolean;
  /** What the user had to prove. */
  readonly credential: Authentication;
  /** The certificate (DER) that proved it, if one did. */
  readonly certificate: Uint8Array | undefined;
  readonly client: ClientProgram;
  readonly bridgeMode: boolean;
  readonly monitorMode: boolean;
}

/** The claim of a session that may be. */
export interface Standing {
  readonly type: "good";
  readonly user: UserSettings | "administrator";
  /** What holds for the user, before the session's own restrictions. */
  readonly granted: Policy;
  /** Unix time in milliseconds from when time alone may have changed this; Infinity for never. */
  readonly until: number;
}

/** What the client is told, and what the log is told. */
export type Problem = readonly [error: ProtocolError, reason: string];

/**
 * Whether a session may be, under these settings at this time. This is asked at the login, and again while the session lives,
 * when the settings have changed or {@link Standing.until} has come. Whether there is room for the session is up to the admission.
 *
 * The order of the checks, which decides what a client is told that several stand against, is the official server's.
 *
 * @param addresses of the client: at the login, then of each of its connections
 * @param now Unix time in milliseconds
 */
export function standingOf(
  hub: HubSettings,
  claim: Claim,
  addresses: readonly string[],
  now: number,
): Standing | Refusal {
  const outside = placeProblem(hub, addresses);
  if (outside !== undefined) return refuse(...outside);
  const user = claim.isAdministrator ? "administrator" : findUser(hub, claim.userName);
  if (user === undefined) return refuse("authenticationFailed", `user "${claim.userName}" was deleted`);
  const granted = policyOf(hub, user);
  const expiresAt = (user === "administrator" ? undefined : user.expiresAt) ?? Infinity;
  const credential = credentialOf(hub, user);
  const proof = proofOf(hub, credential, claim, now);
  const problem =
    proof.problem ??
    emptyPasswordProblem(hub, user, isLoopback(addresses[0] ?? "")) ??
    clientProblem(hub, claim) ??
    accountProblem(claim, granted, expiresAt, now);
  if (problem !== undefined) return refuse(...problem, granted.NoSavePassword);
  return { type: "good", user, granted, until: Math.min(expiresAt, proof.until) };
}

/** Whether the hub takes anybody, from there: looked at before who it is. */
export function placeProblem(hub: HubSettings, addresses: readonly string[]): Problem | undefined {
  const denied = addresses.find((address) =>
    isDeniedSource(hub.sourceAddresses, parseAddress(address) ?? new Uint8Array()),
  );
  if (denied !== undefined) return ["addressDenied", `the hub takes no clients from ${denied}`];
  return hub.online ? undefined : ["hubStopped", "the hub is offline"];
}

/** What a user has to prove; the hub's administrator the password for VPN sessions. */
export function credentialOf(
  hub: Pick<HubSettings, "securePassword">,
  user: UserSettings | "administrator",
): Authentication {
  if (user !== "administrator") return user.authentication;
  return { type: "password", hashedKey: hub.securePassword, ntLmHash: new Uint8Array() };
}

/** An empty password of the hub's administrator, or of a user where the hub denies it, is taken from this host alone. */
export function emptyPasswordProblem(
  hub: HubSettings,
  user: UserSettings | "administrator",
  loopback: boolean,
): Problem | undefined {
  if (loopback) return undefined;
  const isAdministrator = user === "administrator";
  if (!isAdministrator && !hub.adminOptions.deny_empty_password) return undefined;
  const credential = credentialOf(hub, user);
  const emptyHash = hashPassword("", isAdministrator ? user : user.name);
  if (credential.type !== "password" || !isHashOf(credential.hashedKey, emptyHash)) return undefined;
  const who = isAdministrator ? "the hub's administrator" : `user "${user.name}"`;
  return ["emptyPasswordLocalOnly", `${who} has an empty password, which is taken from this host only`];
}

/** Whether what was proved at the login still proves what is asked, and until when. */
function proofOf(
  hub: HubSettings,
  credential: Authentication,
  { userName, credential: proven, certificate: der }: Claim,
  now: number,
): { readonly problem?: Problem | undefined; readonly until: number } {
  const fails = (reason: string) => ({ problem: ["authenticationFailed", reason] as const, until: now });
  if (!isSameCredential(credential, proven))
    return fails(`user "${userName}" now has to prove something else`);
  if (der === undefined || credential.type === "anonymous") return { until: Infinity };
  const certificate = readCertificate(der);
  if (certificate === undefined) return fails("the client's certificate cannot be read");
  const judged = judgeCertificate(hub, credential, certificate, now);
  return judged.problem === undefined ? judged : fails(judged.problem);
}

function isSameCredential(one: Authentication, other: Authentication): boolean {
  return one === other || isDeepStrictEqual(comparable(one), comparable(other));
}

/** With bytes as text, as it makes no difference how they are held; without the NT hash, which says the same as the other. */
function comparable(credential: Authentication): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(credential)
      .filter(([name]) => name !== "ntLmHash")
      .map(([name, value]: [string, unknown]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
      ]),
  );
}

/** Whether the client is one that the hub takes. Only what calls itself a client has to be of a version. */
function clientProblem({ options }: HubSettings, { client }: Claim): Problem | undefined {
  if (!/client/i.test(client.product)) return undefined;
  const { ClientMinimumRequiredBuild: leastBuild, RequiredClientId: requiredId } = options;
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

/** Whether the user may be in now, in the modes that the client wants. */
function accountProblem(
  { userName, monitorMode, bridgeMode }: Claim,
  granted: Policy,
  expiresAt: number,
  now: number,
): Problem | undefined {
  if (expiresAt <= now) {
    return ["accessDenied", `user "${userName}" expired at ${new Date(expiresAt).toISOString()}`];
  }
  if (!granted.Access) return ["accessDenied", `the policy of user "${userName}" allows no access`];
  if (monitorMode && !granted.MonitorPort) {
    return ["monitorModeDenied", `the policy of user "${userName}" allows no monitoring mode`];
  }
  if (bridgeMode && granted.NoBridge && granted.NoRouting) {
    return ["bridgeModeDenied", `the policy of user "${userName}" allows neither bridging nor routing`];
  }
  return undefined;
}
