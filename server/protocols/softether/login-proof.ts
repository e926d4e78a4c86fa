import { verify } from "node:crypto";
import type { LoginCertificate } from "../../access/certificate-login.ts";
import { isKey, sameHash } from "../../access/password-proof.ts";
import type { Proof } from "../../access/proof.ts";
import { loginLimits } from "../../limits.ts";
import { costlyKeyProblem } from "../../settings/rsa-key.ts";
import { secureResponse } from "../../wire/sha0.ts";
import type { LoginAuthentication } from "./messages/login.ts";

/** Sizes of RSA keys that the official programs take, in bits. */
const rsaBits = [1024, 1536, 2048, 3072, 4096];

/** The proof in a login, whose answers are judged by the challenge of the connection's hello. */
export function proofOf(authentication: LoginAuthentication, challenge: Uint8Array): Proof {
  switch (authentication.type) {
    case "anonymous":
    case "plain-password":
      return authentication;
    case "password": {
      const { response } = authentication;
      return { type: "password", answers: (hashedKey) => provesKey(hashedKey, challenge, response) };
    }
    case "certificate": {
      const { certificate, signature } = authentication;
      return {
        type: "certificate",
        certificate,
        isOwned: (known) => verifyChallenge(known, signature, challenge),
      };
    }
    case "ticket":
      return {
        type: "not taken",
        error: "authenticationFailed",
        reason: "tickets are taken in clusters only",
      };
    case "unsupported":
      return {
        type: "not taken",
        error: "authenticationNotSupported",
        reason: `authentication method ${authentication.number} is not supported`,
      };
  }
}

/**
 * Whether a client that sent this answer to the challenge of its connection knows the password behind a stored key.
 *
 * @param key 20 bytes; zeros stand for no password at all, and prove nothing, since everybody can answer with them
 */
export function provesKey(key: Uint8Array, challenge: Uint8Array, response: Uint8Array): boolean {
  const isProven = sameHash(secureResponse(key, challenge), response);
  return isProven && isKey(key);
}

/**
 * Whether the holder of the certificate's key signed the challenge: RSA, PKCS #1 v1.5, over the SHA-1 of it. SHA-1 is what
 * the clients sign with; that its collisions can be made does not help with a challenge that the server chose.
 *
 * Source: `Mayaqua/Encrypt.c` RsaVerifyEx.
 */
export function verifyChallenge(
  certificate: LoginCertificate,
  signature: Uint8Array,
  challenge: Uint8Array,
): boolean {
  if (signature.length > loginLimits.signatureBytes) return false;
  try {
    const { publicKey } = certificate.x509;
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (publicKey.asymmetricKeyType !== "rsa" || !rsaBits.includes(bits)) return false;
    if (costlyKeyProblem(publicKey) !== undefined) return false;
    return signature.length === bits / 8 && verify("sha1", challenge, publicKey, signature);
  } catch {
    // A key of a kind that the cryptography here does not know.
    return false;
  }
}
