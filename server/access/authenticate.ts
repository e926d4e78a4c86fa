import type { Authentication, HubSettings, UserSettings } from "../settings/hub-settings.ts";
import type { LoginAuthentication, LoginRequest } from "../wire/login.ts";
import { hashPassword, sha0Bytes } from "../wire/sha0.ts";
import { judgeCertificate, readCertificate, verifyChallenge } from "./certificate-login.ts";
import { isHashOf, provesKey } from "./password-proof.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { credentialOf, emptyPasswordProblem } from "./standing.ts";
import { administratorName, findUser, policyOf } from "./user-policy.ts";

/** Tells how users prove who they are that the hub does not know by name. */
const anyUserName = "*";

export interface Authenticated {
  readonly type: "authenticated";
  readonly user: UserSettings | "administrator";
  /** What the user had to prove. */
  readonly credential: Authentication;
  /** How, for the security log. */
  readonly method: LoginAuthentication["type"];
}

export interface AuthenticationContext {
  /** The challenge of this connection, from its hello. */
  readonly random: Uint8Array;
  /** Unix time in milliseconds. */
  readonly now: number;
  /** The client came by the loopback interface. */
  readonly loopback: boolean;
}

type PasswordAuthentication = Extract<LoginAuthentication, { type: "password" | "plain-password" }>;
type CertificateAuthentication = Extract<LoginAuthentication, { type: "certificate" }>;

/**
 * Finds out whether a client is who it says it is. Whether that user may log in at present is up to the admission.
 *
 * A user that needs no proof is let in with any, as the official server does. There is no RADIUS server or NT domain to ask
 * here, so that users who are known there fail.
 *
 * Source: `Cedar/Protocol.c` ServerAccept, `Cedar/Sam.c`.
 */
export function authenticate(
  hub: HubSettings,
  { userName, authentication }: Pick<LoginRequest, "userName" | "authentication">,
  context: AuthenticationContext,
): Authenticated | Refusal {
  if (!hub.online) return refuse("hubStopped", "the hub is offline");
  if (userName.toLowerCase() === administratorName) {
    return authenticateAdministrator(hub, authentication, context);
  }
  const user = findUser(hub, userName);
  if (user?.authentication.type === "anonymous") {
    return { type: "authenticated", user, credential: user.authentication, method: "anonymous" };
  }
  if (authentication.type === "unsupported") return refuseMethod(authentication.number);
  const problem = problemOf(hub, user, userName, authentication, context);
  if (problem === undefined && user !== undefined) {
    const emptyPassword = emptyPasswordProblem(hub, user, context.loopback);
    if (emptyPassword !== undefined) return refuse(...emptyPassword);
    return {
      type: "authenticated",
      user,
      credential: user.authentication,
      method: authentication.type,
    };
  }
  const noSavePassword =
    user !== undefined && sendsPassword(authentication) && policyOf(hub, user).NoSavePassword;
  return refuse("authenticationFailed", problem ?? `there is no user "${userName}"`, noSavePassword);
}

/** The hub's own password; an empty one from this host alone. */
function authenticateAdministrator(
  hub: HubSettings,
  authentication: LoginAuthentication,
  { random, loopback }: AuthenticationContext,
): Authenticated | Refusal {
  if (authentication.type === "unsupported") return refuseMethod(authentication.number);
  const key = hub.securePassword;
  if (!sendsPassword(authentication) || !provesPassword(key, administratorName, authentication, random)) {
    return refuse("authenticationFailed", "wrong password of the hub's administrator");
  }
  const emptyPassword = emptyPasswordProblem(hub, administratorName, loopback);
  if (emptyPassword !== undefined) return refuse(...emptyPassword);
  return {
    type: "authenticated",
    user: administratorName,
    credential: credentialOf(hub, administratorName),
    method: authentication.type,
  };
}

function refuseMethod(number: number): Refusal {
  return refuse("authenticationNotSupported", `authentication method ${number} is not supported`);
}

/** Why a client is not taken for this user, or undefined when it is. */
function problemOf(
  hub: HubSettings,
  user: UserSettings | undefined,
  userName: string,
  authentication: Exclude<LoginAuthentication, { type: "unsupported" }>,
  context: AuthenticationContext,
): string | undefined {
  switch (authentication.type) {
    case "anonymous":
      return user && `user "${userName}" has to prove who it is, and the client sent no proof`;
    case "password":
    case "plain-password":
      return passwordProblem(hub, user, userName, authentication, context);
    case "certificate":
      return certificateProblem(hub, user, authentication, context);
    case "ticket":
      return "tickets are taken in clusters only";
  }
}

/** Stands in for the key of a user that has none, so that both take as long. */
const noKey = new Uint8Array(sha0Bytes);

function passwordProblem(
  hub: HubSettings,
  user: UserSettings | undefined,
  userName: string,
  authentication: PasswordAuthentication,
  { random }: AuthenticationContext,
): string | undefined {
  const required = user?.authentication;
  const key = required?.type === "password" ? required.hashedKey : noKey;
  if (provesPassword(key, userName, authentication, random)) return undefined;
  const elsewhere = (required ?? findUser(hub, anyUserName)?.authentication)?.type;
  if (elsewhere === "radius")
    return `a RADIUS server would know user "${userName}", and this server asks none`;
  if (elsewhere === "nt-domain")
    return `an NT domain would know user "${userName}", and this server asks none`;
  return user && `wrong password of user "${userName}"`;
}

function sendsPassword(authentication: LoginAuthentication): authentication is PasswordAuthentication {
  return authentication.type === "password" || authentication.type === "plain-password";
}

/** Whether the client knows the password behind a stored key. */
function provesPassword(
  key: Uint8Array,
  userName: string,
  authentication: PasswordAuthentication,
  random: Uint8Array,
): boolean {
  return authentication.type === "password"
    ? provesKey(key, random, authentication.response)
    : isHashOf(key, hashPassword(authentication.password, userName));
}

function certificateProblem(
  hub: HubSettings,
  user: UserSettings | undefined,
  authentication: CertificateAuthentication,
  { random, now }: AuthenticationContext,
): string | undefined {
  const certificate = readCertificate(authentication.certificate);
  if (certificate === undefined) return "the client's certificate cannot be read";
  if (!verifyChallenge(certificate, authentication.signature, random)) {
    return "the client did not prove that it has the RSA key of its certificate";
  }
  return judgeCertificate(hub, user?.authentication, certificate, now).problem;
}
