import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { createSecureContext } from "node:tls";
import { readOwnFile } from "../platform/own-file.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { checkIdentity, type IdentityPem } from "./identity-check.ts";
import { fileProblemOf, wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";

export interface CertificatePaths {
  /** X.509 certificate and then its chain, PEM. */
  readonly certificateFile: string;
  /** Its private key, PKCS#8 in PEM, readable by the owner alone. */
  readonly keyFile: string;
}

/** What the server shows and proves itself with on every TLS connection. */
export interface ServerCertificate extends IdentityPem {
  /** SHA-256 of the certificate's DER, in upper-case hexadecimal with colons. */
  readonly fingerprint: string;
}

const keyAlgorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/**
 * Loads the server's certificate and key, and makes a self-signed pair when there is none. A pair that is there is never
 * made anew: clients and health checks know the server by it, and a client ends its session when the certificate of a
 * later connection differs. A key that is there without a certificate, as a crash between the two writes leaves it, gets
 * one.
 *
 * @throws {ServerError} STATE_INVALID when a file cannot be read or written, is damaged, or the two do not belong together
 */
export async function loadOrCreateCertificate(paths: CertificatePaths): Promise<ServerCertificate> {
  const { certificateFile, keyFile } = paths;
  await finishReplacement(paths);
  let certificatePem = await readIfThere(certificateFile);
  let keyPem = await readIfThere(keyFile);
  if (certificatePem !== undefined && keyPem === undefined) {
    throw new ServerError(
      "STATE_INVALID",
      `the private key ${keyFile} of the certificate ${certificateFile} is missing: put it back, or remove the certificate so that a new pair is made`,
    );
  }
  if (keyPem === undefined) {
    keyPem = await makeKey();
    await write(keyFile, keyPem, 0o600);
  }
  if (certificatePem === undefined) {
    certificatePem = await makeCertificate(parseKey(keyFile, keyPem));
    await write(certificateFile, certificatePem, 0o644);
  }
  const key = parseKey(keyFile, keyPem);
  const certificate = parseCertificate(certificateFile, certificatePem);
  if (!certificate.checkPrivateKey(key)) {
    throw new ServerError(
      "STATE_INVALID",
      `the certificate ${certificateFile} and the private key ${keyFile} do not belong together: put the right pair back, or remove both so that a new pair is made`,
    );
  }
  const refusal = refusalOfTls({ certificatePem, keyPem });
  if (refusal !== undefined) {
    throw new ServerError(
      "STATE_INVALID",
      `TLS cannot serve with the certificate ${certificateFile} and the private key ${keyFile} (${refusal}): put another pair there, or remove both so that a new pair is made`,
    );
  }
  return { certificatePem, keyPem, fingerprint: certificate.fingerprint256 };
}

/**
 * Puts another pair in the place of the server's: it holds as a whole or not at all, whenever a crash comes.
 *
 * @throws {ServerError} USAGE when the server could not serve with it, STATE_INVALID when it cannot be written; the former pair
 *   stays then
 */
export async function replaceCertificate(
  paths: CertificatePaths,
  wanted: IdentityPem,
): Promise<ServerCertificate> {
  const { identity, problems } = checkIdentity(wanted);
  const refusal = identity === undefined ? undefined : refusalOfTls(identity);
  if (identity === undefined || refusal !== undefined) {
    const told = problems.map(({ member, problem }) => `${memberTitles[member]} ${problem}`);
    throw new ServerError("USAGE", [...told, ...(refusal === undefined ? [] : [refusal])].join("; "));
  }
  const { certificatePem, keyPem } = identity;
  await write(pendingFileOf(paths), certificatePem + keyPem, 0o600);
  // From here on the new pair holds: what is left to do is done at the next start if need be.
  await finishReplacement(paths).catch(() => {});
  return { ...identity, fingerprint: new X509Certificate(certificatePem).fingerprint256 };
}

const memberTitles = { certificate: "the certificate", privateKey: "the private key" } as const;

/** Certificate, chain and key together while they are on their way to their two files; readable by the owner alone. */
export function pendingFileOf({ certificateFile }: Pick<CertificatePaths, "certificateFile">): string {
  return `${certificateFile}.pending`;
}

/** Puts the pair that was about to be taken into its files. */
async function finishReplacement(paths: CertificatePaths): Promise<void> {
  const pendingFile = pendingFileOf(paths);
  const pending = await readIfThere(pendingFile);
  if (pending === undefined) return;
  const keyAt = pending.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  await write(paths.certificateFile, pending.slice(0, keyAt), 0o644);
  await write(paths.keyFile, pending.slice(keyAt), 0o600);
  await rm(pendingFile, { force: true });
}

/** Why TLS does not take a pair, in OpenSSL's words; undefined when it does. */
function refusalOfTls({ certificatePem, keyPem }: IdentityPem): string | undefined {
  try {
    createSecureContext({ cert: certificatePem, key: keyPem });
    return undefined;
  } catch (error) {
    return wordsOf(error);
  }
}

/**
 * Makes a new key and a self-signed certificate for a name.
 *
 * @throws {ServerError} STATE_INVALID when they cannot be written
 */
export async function regenerateCertificate(
  paths: CertificatePaths,
  commonName: string,
): Promise<ServerCertificate> {
  const keyPem = await makeKey();
  const certificatePem = await makeCertificate(createPrivateKey(keyPem), commonName);
  return replaceCertificate(paths, { certificatePem, keyPem });
}

async function makeKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return privateKey.export({ format: "pem", type: "pkcs8" }) as string;
}

/** Signs a certificate like the one that the official server makes: named after the host, valid to the end of 2037. */
async function makeCertificate(privateKey: KeyObject, name = hostname()): Promise<string> {
  // Needed once in the life of a server, and slow to load.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const publicKey = createPublicKey(privateKey).toCryptoKey(keyAlgorithm, true, ["verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      // 127 random bits, the first of them set: positive and short enough for RFC 5280, section 4.1.2.2.
      serialNumber: `4${randomBytes(16).toString("hex").slice(1)}`,
      name: distinguishedName(name),
      notBefore: new Date(),
      notAfter: new Date("2037-12-31T23:59:59Z"),
      signingAlgorithm: keyAlgorithm,
      keys: { privateKey: privateKey.toCryptoKey(keyAlgorithm, true, ["sign"]), publicKey },
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature |
            x509.KeyUsageFlags.keyEncipherment |
            x509.KeyUsageFlags.keyCertSign |
            x509.KeyUsageFlags.cRLSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

function distinguishedName(hostName: string) {
  // X.520 ends these names at 64 characters.
  const name = hostName.slice(0, 64) || "vpnserver";
  return [{ CN: [name] }, { O: [name] }, { OU: [name] }, { C: ["US"] }];
}

function parseKey(keyFile: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw damaged(`the private key ${keyFile}`, error);
  }
}

function parseCertificate(certificateFile: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw damaged(`the certificate ${certificateFile}`, error);
  }
}

function damaged(what: string, cause: unknown): ServerError {
  return new ServerError(
    "STATE_INVALID",
    `${what} is damaged (${wordsOf(cause)}): put a backup back, or remove certificate and key so that a new pair is made`,
    { cause },
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readOwnFile(path)).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ServerError("STATE_INVALID", `cannot read ${path}: ${wordsOf(error)}`, { cause: error });
  }
}

async function write(path: string, content: string, mode: number): Promise<void> {
  try {
    await writeFileAtomically(path, content, { mode });
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write ${path}: ${fileProblemOf(error, path)}`, {
      cause: error,
    });
  }
}
