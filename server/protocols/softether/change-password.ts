import { ntLmHashFrom, type HubSettings, type UserSettings } from "../../settings/hub-settings.ts";
import { DecodeError } from "../../wire/decode-error.ts";
import { decodeAccount } from "./messages/login.ts";
import type { Pack } from "../../wire/pack.ts";
import { sha0Bytes } from "../../wire/sha0.ts";
import { provesKey } from "./login-proof.ts";
import { refuse, type Refusal } from "../../access/refusal.ts";
import { findUser, policyOf } from "../../access/user-policy.ts";

/** A user that wants another password, by the method `password`. */
export interface PasswordChange {
  readonly hubName: string;
  readonly userName: string;
  /** Answer to the challenge with the old password, 20 bytes. */
  readonly response: Uint8Array;
  /** SHA-0 of the new password and the user's name, 20 bytes. */
  readonly hashedKey: Uint8Array;
  /** NT hash of the new password, 16 bytes; zeros when the client sent none. */
  readonly ntLmHash: Uint8Array;
}

/**
 * Decodes the request with the method `password`. Source: `Cedar/Protocol.c` ChangePasswordAccept.
 *
 * @throws {DecodeError} when a field is not there or of the wrong size
 */
export function decodePasswordChange(pack: Pack): PasswordChange {
  const hash = (name: string) => {
    const data = pack.data(name);
    if (data?.length !== sha0Bytes) {
      throw new DecodeError(name, 0, `${data?.length ?? 0} bytes instead of ${sha0Bytes}`);
    }
    return Uint8Array.from(data);
  };
  return {
    ...decodeAccount(pack),
    response: hash("secure_old_password"),
    hashedKey: hash("new_password"),
    ntLmHash: ntLmHashFrom(pack.data("new_password_ntlm")),
  };
}

/**
 * The user with its new password, for the caller to store, or why it keeps the old one. A user that is not there gets the
 * answer of a wrong password.
 *
 * @param random the challenge of this connection, from its hello
 * @param now Unix time in milliseconds
 */
export function changePassword(
  hub: HubSettings,
  change: PasswordChange,
  { random, now }: { random: Uint8Array; now: number },
): { readonly type: "changed"; readonly user: UserSettings } | Refusal {
  if (hub.adminOptions.deny_change_user_password) {
    return refuse("notEnoughRights", "users of this hub may not change their passwords");
  }
  const user = findUser(hub, change.userName);
  if (user === undefined) return refuse("oldPasswordWrong", `there is no user "${change.userName}"`);
  if (user.authentication.type !== "password") {
    return refuse("userHasNoPassword", `user "${change.userName}" does not log in by password`);
  }
  if (policyOf(hub, user).FixPassword) {
    return refuse("notEnoughRights", `the policy of user "${change.userName}" fixes its password`);
  }
  const { hashedKey, ntLmHash } = user.authentication;
  if (!provesKey(hashedKey, random, change.response)) {
    return refuse("oldPasswordWrong", `wrong old password of user "${change.userName}"`);
  }
  const isSame = Buffer.from(hashedKey).equals(change.hashedKey) && ntLmHash.some((byte) => byte !== 0);
  if (isSame) return { type: "changed", user };
  return {
    type: "changed",
    user: {
      ...user,
      authentication: { type: "password", hashedKey: change.hashedKey, ntLmHash: change.ntLmHash },
      updatedAt: now,
    },
  };
}
