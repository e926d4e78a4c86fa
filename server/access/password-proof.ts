import { timingSafeEqual } from "node:crypto";
import { secureResponse, sha0Bytes } from "../wire/sha0.ts";

/**
 * Whether a client that sent this answer to the challenge of its connection knows the password behind a stored key.
 *
 * @param key 20 bytes; zeros stand for no password at all, and prove nothing, since everybody can answer with them
 */
export function provesKey(key: Uint8Array, random: Uint8Array, response: Uint8Array): boolean {
  const isProven = sameHash(secureResponse(key, random), response);
  return isProven && isKey(key);
}

/** Whether a password has this hash, by the stored key of its user; zeros are the hash of none. */
export function isHashOf(key: Uint8Array, hash: Uint8Array): boolean {
  const isSame = sameHash(key, hash);
  return isSame && isKey(key);
}

function isKey(key: Uint8Array): boolean {
  return key.some((byte) => byte !== 0);
}

/** Compares without telling by its time where the two differ. */
function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === sha0Bytes && right.length === sha0Bytes && timingSafeEqual(left, right);
}
