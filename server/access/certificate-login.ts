import { hash, X509Certificate } from "node:crypto";
import type { Authentication, HubSettings } from "../settings/hub-settings.ts";
import { certificateLimits } from "../limits.ts";
import { costlyKeyProblem } from "../settings/rsa-key.ts";
import { subjectParts, type RevokedCertificate, type SubjectPart } from "../settings/revoked-certificate.ts";
import { atOnce, type Steps } from "../turns.ts";

/** What the runtime calls the parts of a subject. */
const subjectKeys: Readonly<Record<SubjectPart, string>> = {
  CommonName: "CN",
  Organization: "O",
  Unit: "OU",
  Country: "C",
  State: "ST",
  Local: "L",
};

/** A certificate as logins look at it. What is compared with long lists is read once. */
export class LoginCertificate {
  readonly x509: X509Certificate;
  readonly #digests = new Map<string, string>();
  #serial: string | undefined;
  #subject: Readonly<Record<string, unknown>> | undefined;

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
    return name === "" || this.#has("CommonName", name.toLowerCase());
  }

  /** Whether it has this serial number, whatever zeros stand before it; no bytes fit any. */
  hasSerial(serial: Uint8Array): boolean {
    return serial.length === 0 || this.#hasSerial(significantHex(serial));
  }

  /** Source: `Cedar/Hub.c` IsCertMatchCrl. */
  isRevokedBy(revoked: RevokedCertificate): boolean {
    const { serial, digests, subject } = comparableOf(revoked);
    return (
      (serial === undefined || this.#hasSerial(serial)) &&
      digests.every(([algorithm, digest]) => this.#digest(algorithm) === digest) &&
      subject.every(([part, value]) => this.#has(part, value))
    );
  }

  #hasSerial(significant: string): boolean {
    this.#serial ??= this.x509.serialNumber.toLowerCase().replace(/^0+/, "");
    return this.#serial === significant;
  }

  /** @param value in lower case */
  #has(part: SubjectPart, value: string): boolean {
    this.#subject ??= this.#readSubject();
    return this.#subject[part] === value;
  }

  /** The parts that it has, in lower case. */
  #readSubject(): Readonly<Record<string, unknown>> {
    // The type knows one value of each only, and takes it for granted.
    const { subject } = this.x509.toLegacyObject() as unknown as { subject: Record<string, unknown> };
    return Object.fromEntries(
      subjectParts.map((part) => {
        const values = subject[subjectKeys[part]];
        // Of several, the first.
        const first: unknown = Array.isArray(values) ? values[0] : values;
        return [part, typeof first === "string" ? first.toLowerCase() : undefined];
      }),
    );
  }

  #digest(algorithm: string): string {
    const digest = this.#digests.get(algorithm) ?? hash(algorithm, this.x509.raw);
    this.#digests.set(algorithm, digest);
    return digest;
  }
}

/** An entry of a list of revoked certificates as it is compared: what is empty fits any, and is not here. */
interface ComparableRevocation {
  readonly serial: string | undefined;
  readonly digests: readonly (readonly [algorithm: string, hex: string])[];
  /** In lower case. */
  readonly subject: readonly (readonly [SubjectPart, string])[];
}

/** Made once for each entry: a list of thousands is gone through at each login by certificate. */
const comparables = new WeakMap<RevokedCertificate, ComparableRevocation>();

function comparableOf(revoked: RevokedCertificate): ComparableRevocation {
  const known = comparables.get(revoked);
  if (known !== undefined) return known;
  const { subject, serial, md5, sha1 } = revoked;
  const made = {
    serial: serial.length === 0 ? undefined : significantHex(serial),
    digests: Object.entries({ md5, sha1 })
      .filter(([, digest]) => digest.length > 0)
      .map(([algorithm, digest]) => [algorithm, Buffer.from(digest).toString("hex")] as const),
    subject: subjectParts
      .filter((part) => subject[part] !== "")
      .map((part) => [part, subject[part].toLowerCase()] as const),
  };
  comparables.set(revoked, made);
  return made;
}

function significantHex(serial: Uint8Array): string {
  return Buffer.from(serial).toString("hex").replace(/^0+/, "");
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

/** An authority as it is told from others: by its name, and `undefined` where it cannot be read. */
const authorityNames = new WeakMap<Uint8Array, { readonly name: string | undefined }>();

/** The authorities of a hub by their names, made once for each setting. */
const byName = new WeakMap<readonly Uint8Array[], ReadonlyMap<string, readonly Uint8Array[]>>();

/**
 * The one of these authorities (DER) that signed the certificate, or is it. An authority that cannot be read, or whose own
 * time is over, signs nothing. Of authorities of one name, only so many are tried as `certificateLimits.authoritiesOfName` says.
 *
 * Source: `Cedar/Sam.c` GetIssuerFromList.
 */
export function findAuthority(
  certificate: LoginCertificate,
  trusted: readonly Uint8Array[],
  now: number,
): LoginCertificate | undefined {
  if (trusted.some((der) => certificate.equals(der))) return certificate;
  const names = byName.get(trusted) ?? atOnce(readAuthoritiesInSteps(trusted));
  const candidates = names.get(comparableName(certificate.x509.issuer)) ?? [];
  for (const der of candidates.slice(0, certificateLimits.authoritiesOfName)) {
    const authority = readCertificate(der);
    if (authority?.isValidAt(now) === true && isIssuedBy(certificate.x509, authority.x509)) return authority;
  }
  return undefined;
}

/** Reads the names of authorities, of which there may be thousands, so that a login finds them read. */
export function* readAuthoritiesInSteps(
  trusted: readonly Uint8Array[],
): Steps<ReadonlyMap<string, readonly Uint8Array[]>> {
  const known = byName.get(trusted);
  if (known !== undefined) return known;
  const names = new Map<string, Uint8Array[]>();
  for (const [index, der] of trusted.entries()) {
    if (index % authoritiesInStep === authoritiesInStep - 1) yield;
    const name = nameOf(der);
    if (name === undefined) continue;
    const others = names.get(name);
    if (others === undefined) names.set(name, [der]);
    else others.push(der);
  }
  byName.set(trusted, names);
  return names;
}

/** A certificate takes some tens of microseconds to read. */
const authoritiesInStep = 16;

function nameOf(der: Uint8Array): string | undefined {
  const known = authorityNames.get(der);
  if (known !== undefined) return known.name;
  const authority = readCertificate(der);
  const name = authority && comparableName(authority.x509.subject);
  authorityNames.set(der, { name });
  return name;
}

/** Names that OpenSSL takes for the same are the same text; one without any part is `undefined` to the runtime, whatever its types say. */
function comparableName(name: string | undefined): string {
  return (name ?? "")
    .toLowerCase()
    .split("\n")
    .map((part) => part.replaceAll(/[ \t]+/g, " ").trim())
    .join("\n");
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
