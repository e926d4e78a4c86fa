import { timingSafeEqual } from "node:crypto";
import { emptyPasswordHash } from "../config/sections/server-settings-config.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import type { ProtocolError } from "../wire/protocol-error.ts";
import { unseenReasons, type PasswordThrottle } from "../access/password-throttle.ts";
import type { Administrator } from "./rpc.ts";

/** Who somebody says to be, and how to tell whether it is true. */
export interface AdministratorClaim {
  /** Of the hub whose administrator it is; empty for the server's. */
  readonly hubName: string;
  readonly peerAddress: string;
  /** By number, of this host. */
  readonly peerUser?: number | undefined;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
  /** By HTTP. Nobody is a hub's administrator there who has no password, not even on the server's own host. */
  readonly byHttp: boolean;
  /** Whether the claim proves a password with this hash. */
  readonly proves: (hashedPassword: Uint8Array) => boolean;
}

export type AuthenticationResult =
  | {
      readonly type: "administrator";
      readonly administrator: Administrator;
      readonly emptyPassword: boolean;
      /** Of the password that was proved. */
      readonly hashedPassword: Uint8Array;
    }
  | { readonly type: "refused"; readonly error: ProtocolError; readonly reason: string };

/** The password that a claim has to prove, and the hub that it is of; undefined where there is no such hub. */
function passwordFor(settings: ServerSettings, hubName: string) {
  if (hubName === "") return { hub: undefined, hash: settings.hashedPassword };
  const hub = settings.hubs.find(({ name }) => name.toLowerCase() === hubName.toLowerCase());
  return hub && { hub, hash: hub.hashedPassword };
}

/**
 * Whether who proved one of these passwords would be let in still: the hub is there, its password or the server's is one of them.
 *
 * @param hashedPasswords the proved one, and those that the administrator set since
 */
export function stillAdministers(
  settings: ServerSettings,
  administrator: Administrator,
  hashedPasswords: readonly Uint8Array[],
): boolean {
  const hubName = administrator.type === "hub" ? administrator.hubName : "";
  const hash = passwordFor(settings, hubName)?.hash;
  return hash !== undefined && hashedPasswords.some((known) => isSame(hash, known));
}

/**
 * Finds out whether somebody administers the server or a hub. Where no password is set, only the server's own host may. Source:
 * `Cedar/Admin.c` AdminCheckPassword, JsonRpcAuthLogin.
 *
 * @param settings those of the moment: an attempt may wait, and is then held against the password that there is by then
 */
export async function authenticateAdministrator(
  settings: () => ServerSettings,
  claim: AdministratorClaim,
  throttle: PasswordThrottle,
): Promise<AuthenticationResult> {
  const { hubName, peerAddress, peerUser: user, byHttp, gone } = claim;
  const wanted = passwordFor(settings(), hubName);
  if (wanted === undefined) return refused("hubNotFound", "there is no such hub");
  const { hub } = wanted;
  const emptyPassword = isSame(wanted.hash, emptyPasswordHash);
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
    { address: peerAddress, user, account: hub?.name ?? "", gone },
    () => {
      const hash = passwordFor(settings(), hubName)?.hash;
      // Zeros are the hash of no password, and everybody can answer with them.
      return hash !== undefined && claim.proves(hash) && hash.some((byte) => byte !== 0) ? hash : undefined;
    },
    (hash) => hash !== undefined,
  );
  if (proven === "too many") return refused("accessDenied", unseenReasons[proven]);
  if (proven === "gone") return refused("disconnected", unseenReasons[proven]);
  if (proven === undefined) return refused("accessDenied", "wrong password");
  if (!emptyPassword && isSame(proven, emptyPasswordHash)) {
    return refused("accessDenied", "the password was taken away meanwhile");
  }
  const administrator: Administrator =
    hub === undefined ? { type: "server" } : { type: "hub", hubName: hub.name };
  return { type: "administrator", administrator, emptyPassword, hashedPassword: proven };
}

/** In a time that does not depend on where the two differ. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function refused(error: ProtocolError, reason: string): AuthenticationResult {
  return { type: "refused", error, reason };
}
