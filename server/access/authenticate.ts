import type { Authentication, HubSettings, UserSettings } from "../settings/hub-settings.ts";
import type { EntryRequest } from "./entry-request.ts";
import type { Proof } from "./proof.ts";
import { hashPassword, sha0Bytes } from "../wire/sha0.ts";
import { judgeCertificate, readCertificate } from "./certificate-login.ts";
import { isHashOf } from "./password-proof.ts";
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
  readonly method: TakenProof["type"];
}

export interface AuthenticationContext {
  /** Unix time in milliseconds. */
  readonly now: number;
  /** The client came by the loopback interface. */
  readonly loopback: boolean;
}

type TakenProof = Exclude<Proof, { type: "not taken" }>;
type PasswordProof = Extract<Proof, { type: "password" | "plain-password" }>;
type CertificateProof = Extract<Proof, { type: "certificate" }>;

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
  { userName, proof }: Pick<EntryRequest, "userName" | "proof">,
  context: AuthenticationContext,
): Authenticated | Refusal {
  if (!hub.online) return refuse("hubStopped", "the hub is offline");
  if (userName.toLowerCase() === administratorName) {
    return authenticateAdministrator(hub, proof, context);
  }
  const user = findUser(hub, userName);
  if (user?.authentication.type === "anonymous") {
    return { type: "authenticated", user, credential: user.authentication, method: "anonymous" };
  }
  if (proof.type === "not taken") return refuse(proof.error, proof.reason);
  const problem = problemOf(hub, user, userName, proof, context);
  if (problem === undefined && user !== undefined) {
    const emptyPassword = emptyPasswordProblem(hub, user, context.loopback);
    if (emptyPassword !== undefined) return refuse(...emptyPassword);
    return {
      type: "authenticated",
      user,
      credential: user.authentication,
      method: proof.type,
    };
  }
  const noSavePassword = user !== undefined && sendsPassword(proof) && policyOf(hub, user).NoSavePassword;
  return refuse("authenticationFailed", problem ?? `there is no user "${userName}"`, noSavePassword);
}

/** The hub's own password; an empty one from this host alone. */
function authenticateAdministrator(
  hub: HubSettings,
  proof: Proof,
  { loopback }: AuthenticationContext,
): Authenticated | Refusal {
  if (proof.type === "not taken") return refuse(proof.error, proof.reason);
  const key = hub.securePassword;
  if (!sendsPassword(proof) || !provesPassword(key, administratorName, proof)) {
    return refuse("authenticationFailed", "wrong password of the hub's administrator");
  }
  const emptyPassword = emptyPasswordProblem(hub, administratorName, loopback);
  if (emptyPassword !== undefined) return refuse(...emptyPassword);
  return {
    type: "authenticated",
    user: administratorName,
    credential: credentialOf(hub, administratorName),
    method: proof.type,
  };
}

/** Why a client is not taken for this user, or undefined when it is. */
function problemOf(
  hub: HubSettings,
  user: UserSettings | undefined,
  userName: string,
  proof: TakenProof,
  context: AuthenticationContext,
): string | undefined {
  switch (proof.type) {
    case "anonymous":
      return user && `user "${userName}" has to prove who it is, and the client sent no proof`;
    case "password":
    case "plain-password":
      return passwordProblem(hub, user, userName, proof);
    case "certificate":
      return certificateProblem(hub, user, proof, context);
  }
}

/** Stands in for the key of a user that has none, so that both take as long. */
const noKey = new Uint8Array(sha0Bytes);

function passwordProblem(
  hub: HubSettings,
  user: UserSettings | undefined,
  userName: string,
  proof: PasswordProof,
): string | undefined {
  const required = user?.authentication;
  const key = required?.type === "password" ? required.hashedKey : noKey;
  if (provesPassword(key, userName, proof)) return undefined;
  const elsewhere = (required ?? findUser(hub, anyUserName)?.authentication)?.type;
  if (elsewhere === "radius")
    return `a RADIUS server would know user "${userName}", and this server asks none`;
  if (elsewhere === "nt-domain")
    return `an NT domain would know user "${userName}", and this server asks none`;
  return user && `wrong password of user "${userName}"`;
}

function sendsPassword(proof: Proof): proof is PasswordProof {
  return proof.type === "password" || proof.type === "plain-password";
}

/** Whether the client knows the password behind a stored key. */
function provesPassword(key: Uint8Array, userName: string, proof: PasswordProof): boolean {
  return proof.type === "password"
    ? proof.answers(key)
    : isHashOf(key, hashPassword(proof.password, userName));
}

function certificateProblem(
  hub: HubSettings,
  user: UserSettings | undefined,
  proof: CertificateProof,
  { now }: AuthenticationContext,
): string | undefined {
  const certificate = readCertificate(proof.certificate);
  if (certificate === undefined) return "the client's certificate cannot be read";
  if (!proof.isOwned(certificate)) {
    return "the client did not prove that it has the RSA key of its certificate";
  }
  return judgeCertificate(hub, user?.authentication, certificate, now).problem;
}
