import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  emptyFolder,
  FieldReader,
  fields,
  foldersIn,
  withFields,
  type Field,
} from "../text/config-fields.ts";
import { findFolder, type ConfigFolder } from "../text/config-text.ts";
import { checkIdentity, type IdentityPem } from "../../identity/identity-check.ts";
import type { ServerIdentity } from "../../settings/server-settings.ts";

/**
 * The identity in the folder `ServerConfiguration`; undefined when there is none. One that cannot be used counts as none, as
 * the official server has it (`Cedar/Server.c` SiLoadServerCfg).
 *
 * @throws {ConfigFieldError} when it is not in base64
 */
export function readIdentity(folder: ConfigFolder | undefined): ServerIdentity | undefined {
  if (folder === undefined) return undefined;
  const reader = new FieldReader(folder, folder.name);
  const identity = {
    certificate: reader.bytes("ServerCert"),
    key: reader.bytes("ServerKey"),
    chain: foldersIn(findFolder(folder, "ServerChain"))
      .map((child) => new FieldReader(child, `${folder.name}/ServerChain/${child.name}`).bytes("X509"))
      .filter((certificate) => certificate.length > 0),
  };
  return isUsable(identity) ? identity : undefined;
}

/** The fields of `ServerConfiguration` that hold an identity. */
export function identityFields(identity: ServerIdentity | undefined): Record<string, Field | undefined> {
  if (identity === undefined) return { ServerCert: undefined, ServerKey: undefined, ServerChain: undefined };
  const chain = identity.chain.map((certificate, index) =>
    withFields(emptyFolder(`Cert${index}`), { X509: fields.bytes(certificate) }),
  );
  return {
    ServerCert: fields.bytes(identity.certificate),
    ServerKey: fields.bytes(identity.key),
    ServerChain: { ...emptyFolder("ServerChain"), children: chain },
  };
}

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

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function isUsable(identity: ServerIdentity): boolean {
  if (identity.certificate.length === 0 || identity.key.length === 0) return false;
  try {
    return checkIdentity(identityToPem(identity)).identity !== undefined;
  } catch {
    return false;
  }
}

function keyOf(bytes: Uint8Array) {
  const der = { key: Buffer.from(bytes), format: "der" } as const;
  try {
    return createPrivateKey({ ...der, type: "pkcs1" });
  } catch {
    return createPrivateKey({ ...der, type: "pkcs8" });
  }
}
