import { webcrypto } from "node:crypto";
import { identity } from "../access/client-certificate.ts";

/** A certificate of many years with its key, in PEM. */
export interface PemIdentity {
  readonly certificate: string;
  readonly certificateDer: Buffer;
  readonly privateKey: string;
}

export async function pemIdentity(
  name: string,
  options: { readonly algorithm?: "rsa" | "ec"; readonly bits?: number } = {},
): Promise<PemIdentity> {
  const [notBefore, notAfter] = [new Date("2020-01-01T00:00:00Z"), new Date("2049-12-31T00:00:00Z")];
  const { x509, keys } = await identity({ name, bits: 2048, notBefore, notAfter, ...options });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    certificate: x509.toString("pem"),
    certificateDer: Buffer.from(x509.rawData),
    privateKey: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}
