import type { KeyObject } from "node:crypto";
import { publicKeyLimits } from "../limits.ts";

/**
 * Why nothing is verified with a key that somebody hands in: it costs the only thread too much. With an exponent as long as its modulus
 * one signature takes as long as hundreds with the usual 65537, and a modulus of 16,384 bits a hundred times as long as one of 2,048.
 * Undefined for a key within the bounds. What is no RSA key is bounded by its curve.
 */
export function costlyKeyProblem({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  const isRsa = asymmetricKeyType === "rsa" || asymmetricKeyType === "rsa-pss";
  if (!isRsa) {
    return isBounded(asymmetricKeyType, asymmetricKeyDetails?.namedCurve)
      ? undefined
      : `its key is of a kind that is not taken (${asymmetricKeyType ?? "unknown"})`;
  }
  const { modulusLength: bits = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  const { leastBits, mostBits, mostExponentBits } = publicKeyLimits;
  if (bits < leastBits || bits > mostBits) {
    return `its RSA key has ${bits} bits; taken are ${leastBits} to ${mostBits}`;
  }
  if (publicExponent >> BigInt(mostExponentBits) !== 0n) {
    return `the exponent of its RSA key has more than ${mostExponentBits} bits`;
  }
  return undefined;
}

/** Kinds whose cost does not depend on numbers in the key: DSA, DH and curves without a name come with parameters of any size. */
function isBounded(kind: string | undefined, namedCurve: string | undefined): boolean {
  return (kind === "ec" && namedCurve !== undefined) || kind === "ed25519" || kind === "ed448";
}
