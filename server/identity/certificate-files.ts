import { X509Certificate } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readOwnFile } from "../platform/own-file.ts";
import { identityLimits, withSigners, type IdentityPem } from "./identity-check.ts";
import { chainOf } from "./identity-pem.ts";
import { identityToPem } from "./identity-pem.ts";
import type { ServerIdentity } from "../settings/server-settings.ts";
import { pendingFileOf, replaceCertificate, type CertificatePaths } from "./certificate.ts";

/**
 * Writes the files of certificate and key from the configuration where there are none of them: a configuration that was
 * brought along keeps the server what it is known by.
 *
 * @throws {ServerError} STATE_INVALID when they cannot be written
 */
export async function restoreCertificate(
  paths: CertificatePaths,
  identity: ServerIdentity | undefined,
): Promise<void> {
  const files = [paths.certificateFile, paths.keyFile, pendingFileOf(paths)];
  const isThere = await Promise.all(files.map(exists));
  if (!isThere.includes(true)) await takeCertificate(paths, identity);
}

/**
 * Puts the pair of a configuration into the place of the server's; does nothing when it has none.
 *
 * @throws {ServerError} STATE_INVALID when it cannot be written
 */
export async function takeCertificate(
  paths: CertificatePaths,
  identity: ServerIdentity | undefined,
): Promise<void> {
  if (identity === undefined) return;
  await replaceCertificate(paths, await withKnownChain(paths, identityToPem(identity)));
}

/**
 * A certificate that came without its chain, with the one that is known: from the folder `chain_certs` beside the certificate, where
 * the official server takes it from, and of the certificate before, of which this one may be the renewal.
 */
export async function withKnownChain(
  { certificateFile }: Pick<CertificatePaths, "certificateFile">,
  wanted: IdentityPem,
  present?: IdentityPem,
): Promise<IdentityPem> {
  const folder = join(dirname(certificateFile), chainFolder);
  const others = [...(await readCertificates(folder)), ...(present === undefined ? [] : chainOf(present))];
  return { ...wanted, certificatePem: withSigners(wanted.certificatePem, others) };
}

const chainFolder = "chain_certs";

/** Files of the folder that are looked at. */
const mostChainFiles = 100;

async function readCertificates(folder: string): Promise<X509Certificate[]> {
  const names = await readdir(folder).catch(() => []);
  const certificates: X509Certificate[] = [];
  for (const name of names.sort().slice(0, mostChainFiles)) {
    const path = join(folder, name);
    try {
      certificates.push(new X509Certificate(await readOwnFile(path, identityLimits.pemCharacters)));
    } catch {
      // A text, as the official server puts one there, or something else that is none of it.
    }
  }
  return certificates;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
