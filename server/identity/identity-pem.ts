import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ServerIdentity } from "../settings/server-settings.ts";
import type { IdentityPem } from "./identity-check.ts";

/** The identity as files have it. */
export function identityToPem({ certificate, key, chain }: ServerIdentity): IdentityPem {
  return {
    certificatePem: [certificate, ...chain]
      .map((der) => new X509Certificate(Buffer.from(der)).toString())
      .join(""),
    keyPem: keyOf(key).export({ format: "pem", type: "pkcs8" }) as string,
  };
}

/**
 * The identity that files hold: the official server reads the key as RSA's own structure (PKCS#1), and other keys as PKCS#8.
 *
 * @throws Error when they cannot be understood
 */
export function identityFromPem({ certificatePem, keyPem }: IdentityPem): ServerIdentity {
  const [certificate, ...chain] = certificatesIn(certificatePem).map(({ raw }) => Uint8Array.from(raw));
  if (certificate === undefined) throw new Error("there is no certificate");
  const key = createPrivateKey(keyPem);
  const type = key.asymmetricKeyType === "rsa" ? "pkcs1" : "pkcs8";
  return { certificate, key: Uint8Array.from(key.export({ format: "der", type })), chain };
}

export function isSameIdentity(one: ServerIdentity | undefined, other: ServerIdentity): boolean {
  const bytes = (identity: ServerIdentity) => [identity.certificate, identity.key, ...identity.chain];
  if (one === undefined || one.chain.length !== other.chain.length) return false;
  const others = bytes(other);
  return bytes(one).every((each, index) => Buffer.compare(each, others[index] as Uint8Array) === 0);
}

/** The certificate alone, without its chain. */
export function leafOf({ certificatePem }: Pick<IdentityPem, "certificatePem">): string {
  return new X509Certificate(certificatePem).toString();
}

/** The certificates behind the first. */
export function chainOf({ certificatePem }: Pick<IdentityPem, "certificatePem">): X509Certificate[] {
  return certificatesIn(certificatePem).slice(1);
}

export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

export function keyOf(bytes: Uint8Array) {
  const der = { key: Buffer.from(bytes), format: "der" } as const;
  try {
    return createPrivateKey({ ...der, type: "pkcs1" });
  } catch {
    return createPrivateKey({ ...der, type: "pkcs8" });
  }
}
