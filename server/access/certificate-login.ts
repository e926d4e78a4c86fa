import { hash, X509Certificate } from "node:crypto";
import type { Authentication, HubSettings } from "../settings/hub-settings.ts";
import { costlyKeyProblem } from "../settings/rsa-key.ts";
import { subjectParts, type RevokedCertificate, type SubjectPart } from "../settings/revoked-certificate.ts";

/** What the runtime calls the parts of a subject. */
const subjectKeys: Readonly<Record<SubjectPart, string>> = {
  CommonName: "CN",
  Organization: "O",
  Unit: "OU",
  Country: "C",
  State: "ST",
  Local: "L",
};

/** A certificate as logins look at it. */
export class LoginCertificate {
  readonly x509: X509Certificate;

  constructor(x509: X509Certificate) {
    this.x509 = x509;
  }

  /** @param now Unix time in milliseconds */
  isValidAt(now: number): boolean {
    return this.x509.validFromDate.getTime() <= now && now <= this.x509.validToDate.getTime();
  }

  /** Unix time in milliseconds from when it is not valid any more. */
  get until(): number {
    return this.x509.validToDate.getTime() + 1;
  }

  /** Whether it is this certificate (DER), byte for byte. */
  equals(der: Uint8Array): boolean {
    return this.x509.raw.equals(der);
  }

  /** Whether its subject has this common name, in whatever case; an empty name fits any. */
  hasCommonName(name: string): boolean {
    return name === "" || this.#has("CommonName", name);
  }

  /** Whether it has this serial number, whatever zeros stand before it; no bytes fit any. */
  hasSerial(serial: Uint8Array): boolean {
    if (serial.length === 0) return true;
    const significant = (hex: string) => hex.toLowerCase().replace(/^0+/, "");
    return significant(this.x509.serialNumber) === significant(Buffer.from(serial).toString("hex"));
  }

  /** Source: `Cedar/Hub.c` IsCertMatchCrl. */
  isRevokedBy({ subject, serial, md5, sha1 }: RevokedCertificate): boolean {
    const hasDigest = (algorithm: string, digest: Uint8Array) =>
      digest.length === 0 || hash(algorithm, this.x509.raw, "buffer").equals(digest);
    return (
      this.hasSerial(serial) &&
      hasDigest("md5", md5) &&
      hasDigest("sha1", sha1) &&
      subjectParts.every((part) => subject[part] === "" || this.#has(part, subject[part]))
    );
  }

  #has(part: SubjectPart, value: string): boolean {
    // Of several, the first. The type knows one only, and takes it for granted.
    const { subject } = this.x509.toLegacyObject() as unknown as { subject: Record<string, unknown> };
    const values = subject[subjectKeys[part]];
    const first: unknown = Array.isArray(values) ? values[0] : values;
    return typeof first === "string" && first.toLowerCase() === value.toLowerCase();
  }
}

/** Reads a certificate (DER); undefined when it is none. */
export function readCertificate(der: Uint8Array): LoginCertificate | undefined {
  try {
    return new LoginCertificate(new X509Certificate(der));
  } catch {
    return undefined;
  }
}

/** Whether a certificate is one of the user's, and the Unix time in milliseconds from when that may be otherwise. */
export type CertificateJudgement =
  { readonly problem: string } | { readonly problem?: undefined; readonly until: number };

/**
 * Whether a certificate proves what a user has to prove, apart from whose key it is.
 *
 * @param required what the user has to prove
 * @param now Unix time in milliseconds
 */
export function judgeCertificate(
  hub: Pick<HubSettings, "revokedCertificates" | "trustedAuthorities">,
  required: Authentication | undefined,
  certificate: LoginCertificate,
  now: number,
): CertificateJudgement {
  if (!certificate.isValidAt(now)) {
    return { problem: "the client's certificate has expired or is not valid yet" };
  }
  if (hub.revokedCertificates.some((revoked) => certificate.isRevokedBy(revoked))) {
    return { problem: "the client's certificate is revoked" };
  }
  const { until } = certificate;
  if (required?.type === "certificate") {
    return certificate.equals(required.certificate)
      ? { until }
      : { problem: "the certificate is not the user's" };
  }
  if (required?.type !== "signed-certificate") return { problem: "the user does not log in by certificate" };
  const authority = findAuthority(certificate, hub.trustedAuthorities, now);
  if (authority === undefined) return { problem: "no trusted authority of the hub signed the certificate" };
  if (!certificate.hasCommonName(required.commonName)) {
    return { problem: `the certificate's common name is not "${required.commonName}"` };
  }
  if (!certificate.hasSerial(required.serial)) {
    return { problem: "the certificate's serial number is not the user's" };
  }
  return { until: Math.min(until, authority.until) };
}

/** Authorities, read once for each setting of a hub. */
const authorities = new WeakMap<Uint8Array, LoginCertificate>();

/**
 * The one of these authorities (DER) that signed the certificate, or is it. An authority that cannot be read, or whose own
 * time is over, signs nothing.
 *
 * Source: `Cedar/Sam.c` GetIssuerFromList.
 */
export function findAuthority(
  certificate: LoginCertificate,
  trusted: readonly Uint8Array[],
  now: number,
): LoginCertificate | undefined {
  for (const der of trusted) {
    if (certificate.equals(der)) return certificate;
    const authority = authorities.get(der) ?? readCertificate(der);
    if (authority === undefined) continue;
    authorities.set(der, authority);
    if (authority.isValidAt(now) && isIssuedBy(certificate.x509, authority.x509)) return authority;
  }
  return undefined;
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  try {
    const { publicKey } = authority;
    return (
      certificate.checkIssued(authority) &&
      costlyKeyProblem(publicKey) === undefined &&
      certificate.verify(publicKey)
    );
  } catch {
    return false;
  }
}
