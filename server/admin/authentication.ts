import { timingSafeEqual } from "node:crypto";
import { emptyPasswordHash } from "../config/sections/server-settings-config.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import type { PasswordThrottle } from "../access/password-throttle.ts";
import type { Administrator } from "./rpc.ts";

/** Who somebody says to be, and how to tell whether it is true. */
export interface AdministratorClaim {
  /** Of the hub whose administrator it is; empty for the server's. */
  readonly hubName: string;
  readonly peerAddress: string;
  /** By HTTP. Nobody is a hub's administrator there who has no password, not even on the server's own host. */
  readonly byHttp: boolean;
  /** Whether the claim proves a password with this hash. */
  readonly proves: (hashedPassword: Uint8Array) => boolean;
}

export type AuthenticationResult =
  | { readonly type: "administrator"; readonly administrator: Administrator; readonly emptyPassword: boolean }
  | { readonly type: "refused"; readonly error: ProtocolError; readonly reason: string };

/**
 * Finds out whether somebody administers the server or a hub. Where no password is set, only the server's own host may. Source:
 * `Cedar/Admin.c` AdminCheckPassword, JsonRpcAuthLogin.
 */
export async function authenticateAdministrator(
  settings: ServerSettings,
  claim: AdministratorClaim,
  throttle: PasswordThrottle,
): Promise<AuthenticationResult> {
  const { hubName, peerAddress, byHttp } = claim;
  const hub = settings.hubs.find(({ name }) => name.toLowerCase() === hubName.toLowerCase());
  if (hubName !== "" && hub === undefined) return refused("hubNotFound", "there is no such hub");
  const hash = hub?.hashedPassword ?? settings.hashedPassword;
  const emptyPassword = isSame(hash, emptyPasswordHash);
  if (emptyPassword && !isLoopback(peerAddress)) {
    return refused(
      "emptyPasswordLocalOnly",
      "no password is set, so only the server's own host may administer",
    );
  }
  if (emptyPassword && byHttp && hub !== undefined) {
    return refused("accessDenied", "no password is set, so that the hub has no administrator by HTTP");
  }
  const proven = await throttle.attempt(
    peerAddress,
    hub?.name ?? "",
    // Zeros are the hash of no password, and everybody can answer with them.
    () => claim.proves(hash) && hash.some((byte) => byte !== 0),
    (isRight) => isRight,
  );
  if (proven === "too many") return refused("accessDenied", "too many wrong passwords from this address");
  if (!proven) return refused("accessDenied", "wrong password");
  const administrator: Administrator =
    hub === undefined ? { type: "server" } : { type: "hub", hubName: hub.name };
  return { type: "administrator", administrator, emptyPassword };
}

/** In a time that does not depend on where the two differ. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function refused(error: ProtocolError, reason: string): AuthenticationResult {
  return { type: "refused", error, reason };
}
