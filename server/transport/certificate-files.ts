import { access } from "node:fs/promises";
import { identityToPem } from "../config/server-identity.ts";
import type { ServerIdentity } from "../config/server-settings.ts";
import { replaceCertificate, type CertificatePaths } from "./certificate.ts";

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
  const isThere = await Promise.all([paths.certificateFile, paths.keyFile].map(exists));
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
  const { certificatePem, keyPem } = identityToPem(identity);
  await replaceCertificate(paths, certificatePem, keyPem);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
