import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";

/** Certificate, those of its signers after it, and key, in PEM. */
export interface IdentityPem {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Bounds of what a server may be known by. */
export const identityLimits = { pemCharacters: 128 * 1024, certificates: 10 } as const;

/** Sizes of RSA keys: below the least one TLS refuses, beyond the most one each handshake takes too long. */
const rsaBits = { least: 2048, most: 8192 } as const;
/** Elliptic curves that every TLS client and the official programs know. */
const curves = ["prime256v1", "secp384r1", "secp521r1"];

const usableKeys = `give one of RSA with ${rsaBits.least} bits or more, or of the curve P-256, P-384 or P-521`;

const day = 24 * 60 * 60 * 1000;

/** What is wrong with an identity. No text holds anything of the key. */
export interface IdentityProblem {
  readonly member: "certificate" | "privateKey";
  readonly problem: string;
  /** No pair at all, a key of a kind that TLS or the clients do not take, or a chain that is none. */
  readonly kind: "no pair" | "kind of key" | "chain";
}

export interface CheckedIdentity {
  /** In one form, whatever stood around the blocks; undefined when there is a problem. */
  readonly identity: IdentityPem | undefined;
  readonly problems: readonly IdentityProblem[];
}

/**
 * Checks that a server can serve with a certificate, its chain and its private key (PEM): the certificate comes first, each
 * other signed the one before it, the key is the first one's. The root may be left out.
 *
 * It asks no clock: an expired certificate serves clients that know it by itself. See {@link timeProblem}.
 */
export function checkIdentity({ certificatePem, keyPem }: IdentityPem): CheckedIdentity {
  const problems: IdentityProblem[] = [];
  const report = (
    member: IdentityProblem["member"],
    problem: string,
    kind: IdentityProblem["kind"] = "no pair",
  ) => problems.push({ member, problem, kind });
  const chain = readChain(certificatePem);
  const key = readKey(keyPem);
  if (typeof chain === "string") report("certificate", chain);
  if (typeof key === "string") report("privateKey", key);
  if (typeof chain === "string" || typeof key === "string") return { identity: undefined, problems };
  const ofKey = keyKindProblem(key);
  if (ofKey !== undefined) report("privateKey", `${ofKey}; ${usableKeys}`, "kind of key");
  const owner = chain.findIndex((each) => each.checkPrivateKey(key));
  if (owner === -1) report("privateKey", "is not the key of the certificate");
  else if (owner > 0) {
    const place = `has the certificate of the private key in place ${owner + 1}`;
    report("certificate", `${place}; it comes first, and then its chain`, "chain");
  } else for (const problem of chainProblems(chain)) report("certificate", problem, "chain");
  if (problems.length > 0) return { identity: undefined, problems };
  return {
    identity: {
      certificatePem: chain.map((each) => each.toString()).join(""),
      keyPem: key.export({ format: "pem", type: "pkcs8" }) as string,
    },
    problems,
  };
}

/**
 * What is wrong with the time of a server's certificate, apart from its chain. A clock that is a little slow makes no problem of a
 * certificate that was just made.
 *
 * @param now Unix time in milliseconds
 */
export function timeProblem(
  { certificatePem }: Pick<IdentityPem, "certificatePem">,
  now: number,
): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem);
  if (validToDate.getTime() < now) return `expired at ${validToDate.toISOString()}; renew it`;
  if (validFromDate.getTime() > now + day) return `is not valid before ${validFromDate.toISOString()}`;
  return undefined;
}

/** What is known of a chain, with those of other certificates that go on with it, one signer after the other; without a root. */
export function withSigners(certificatePem: string, others: readonly X509Certificate[]): string {
  const chain = readChain(certificatePem);
  if (typeof chain === "string") return certificatePem;
  const whole: X509Certificate[] = [...chain];
  while (whole.length < identityLimits.certificates) {
    const last = whole.at(-1) as X509Certificate;
    const signer = others.find((other) => !isRoot(other) && isSignedBy(last, other));
    if (isRoot(last) || signer === undefined || whole.some(({ raw }) => raw.equals(signer.raw))) break;
    whole.push(signer);
  }
  return whole.map((each) => each.toString()).join("");
}

/** Whether clients can get from a certificate to an authority that they know: others come with it, or it is one itself. */
export function hasWholeChain({ certificatePem }: Pick<IdentityPem, "certificatePem">): boolean {
  const chain = readChain(certificatePem);
  return typeof chain !== "string" && (chain.length > 1 || isRoot(chain[0]));
}

function isRoot(certificate: X509Certificate): boolean {
  return isSignedBy(certificate, certificate);
}

/** The certificates of a text, at least one, or why there are none. */
function readChain(pem: string): readonly [X509Certificate, ...X509Certificate[]] | string {
  if (pem.length > identityLimits.pemCharacters)
    return `is longer than ${identityLimits.pemCharacters} characters`;
  const labels = [...pem.matchAll(/-----BEGIN ([^-]*)-----/g)].map(([, label]) => label);
  if (labels.some((label) => label?.endsWith("PRIVATE KEY")))
    return "holds a private key, which belongs elsewhere";
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return 'is no certificate in PEM ("-----BEGIN CERTIFICATE-----")';
  if (blocks.length !== labels.length)
    return "holds something in PEM that is no certificate, or a part of one";
  if (blocks.length > identityLimits.certificates)
    return `holds more than ${identityLimits.certificates} certificates`;
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block);
      // Some keys cannot be read before they are asked for.
      void certificate.publicKey;
      certificates.push(certificate);
    } catch {
      return `has in place ${index + 1} a certificate that cannot be read`;
    }
  }
  return certificates as [X509Certificate, ...X509Certificate[]];
}

/** A private key, or why it is none. */
function readKey(pem: string): KeyObject | string {
  if (pem.length > identityLimits.pemCharacters)
    return `is longer than ${identityLimits.pemCharacters} characters`;
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(pem)) {
    return "is encrypted; give it without a passphrase";
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return 'is no private key in PEM ("-----BEGIN PRIVATE KEY-----")';
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // What the cryptography says may hold some of it.
    return "is a private key in PEM that cannot be read";
  }
}

/** Why TLS, or the clients, cannot use a key; undefined when they can. */
function keyKindProblem({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  const { modulusLength: bits = 0, namedCurve = "" } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === "rsa") {
    if (bits < rsaBits.least) return `is an RSA key of ${bits} bits, which is too short`;
    return bits > rsaBits.most ? `is an RSA key of ${bits} bits, which is too long` : undefined;
  }
  if (asymmetricKeyType !== "ec") return `is of the kind ${asymmetricKeyType}, which clients do not know`;
  return curves.includes(namedCurve) ? undefined : `is of the curve ${namedCurve}, which clients do not know`;
}

function chainProblems(chain: readonly X509Certificate[]): string[] {
  return chain.flatMap((certificate, index) => {
    const place = `in place ${index + 1}`;
    // A root is taken for what it is; every other certificate is taken for its signature. Runtimes before 24.9 do not tell that.
    const algorithm = (certificate as { signatureAlgorithm?: string | undefined }).signatureAlgorithm ?? "";
    if (!isRoot(certificate) && /md[245]|sha-?1(?!\d)/i.test(algorithm)) {
      return [`has ${place} a certificate that is signed with ${algorithm}, which clients do not take`];
    }
    if (index === 0) return [];
    if (isWeak(certificate.publicKey)) return [`has ${place} a certificate with a key that is too short`];
    const before = chain[index - 1] as X509Certificate;
    if (certificate.raw.equals(before.raw)) return [`has the same certificate ${place} as before it`];
    if (!certificate.ca && !isRoot(certificate)) {
      return [`has ${place} a certificate that may not sign others`];
    }
    return isSignedBy(before, certificate)
      ? []
      : [
          `has ${place} a certificate that did not sign the one before it; the certificate of the server comes first, then each one's signer`,
        ];
  });
}

function isSignedBy(certificate: X509Certificate, signer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(signer) && certificate.verify(signer.publicKey);
  } catch {
    return false;
  }
}

/** What TLS refuses of the keys in a chain (OpenSSL's security level 2). */
function isWeak({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === "dsa") return true;
  return modulusLength !== undefined && modulusLength < rsaBits.least;
}
