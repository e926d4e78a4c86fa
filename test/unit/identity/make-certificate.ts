import { webcrypto } from "node:crypto";
import type { IdentityPem } from "../../../server/identity/identity-check.ts";
import { identity, type Identity, type IdentityOptions } from "../access/client-certificate.ts";

/** A self-signed certificate of many years with its key, as a server may be known by. */
export async function serverIdentity(name: string, options: IdentityOptions = {}): Promise<IdentityPem> {
  return pemOf(await certificateOf(name, options));
}

/** A certificate as a server or one of its authorities has it; of an elliptic curve, whose keys are made at once. */
export function certificateOf(name: string, options: IdentityOptions = {}): Promise<Identity> {
  const [notBefore, notAfter] = [new Date("2020-01-01T00:00:00Z"), new Date("2049-12-31T00:00:00Z")];
  const algorithm = options.bits === undefined ? "ec" : "rsa";
  return identity({ name, algorithm, bits: 2048, notBefore, notAfter, ...options });
}

/** A certificate with its key, and the certificates behind it. */
export async function pemOf(leaf: Identity, ...chain: readonly Identity[]): Promise<IdentityPem> {
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", leaf.keys.privateKey)).toString("base64");
  const lines = key.match(/.{1,64}/g) ?? [];
  return {
    certificatePem: [leaf, ...chain].map(({ x509 }) => `${x509.toString("pem")}\n`).join(""),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`,
  };
}
