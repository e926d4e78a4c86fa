import { timingSafeEqual } from "node:crypto";
import { sha0Bytes } from "../wire/sha0.ts";

/** Whether a password has this hash, by the stored key of its user; zeros are the hash of none. */
export function isHashOf(key: Uint8Array, hash: Uint8Array): boolean {
  const isSame = sameHash(key, hash);
  return isSame && isKey(key);
}

/** Whether a stored key can prove anything: zeros stand for no password at all. */
export function isKey(key: Uint8Array): boolean {
  return key.some((byte) => byte !== 0);
}

/** Compares two of 20 bytes without telling by its time where they differ; others are never the same. */
export function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === sha0Bytes && right.length === sha0Bytes && timingSafeEqual(left, right);
}
