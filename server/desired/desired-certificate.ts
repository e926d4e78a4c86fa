import { X509Certificate } from "node:crypto";
import { costlyKeyProblem } from "../settings/rsa-key.ts";
import type { Member, Problems } from "./value-check.ts";

/** Largest certificate in PEM. */
const longestPem = 64 * 1024;

/**
 * The DER of a certificate that is given in PEM.
 *
 * @param key `rsa` where the protocol can prove no other key
 */
export function checkCertificate(
  { value, path }: Member,
  problems: Problems,
  key?: "rsa",
): Uint8Array | undefined {
  if (typeof value !== "string" || value.length > longestPem) {
    problems.add(path, "is no certificate in PEM");
    return undefined;
  }
  let certificate: X509Certificate;
  try {
    if (!value.includes("-----BEGIN CERTIFICATE-----")) throw new Error("not PEM");
    certificate = new X509Certificate(value);
    // Some keys cannot be read before they are asked for.
    void certificate.publicKey;
  } catch {
    problems.add(path, 'is no certificate in PEM ("-----BEGIN CERTIFICATE-----")');
    return undefined;
  }
  const costly = costlyKeyProblem(certificate.publicKey);
  if (costly !== undefined) problems.add(path, costly);
  if (key !== undefined && certificate.publicKey.asymmetricKeyType !== key) {
    problems.add(path, "has no RSA key, and clients prove no other");
  }
  return Uint8Array.from(certificate.raw);
}
