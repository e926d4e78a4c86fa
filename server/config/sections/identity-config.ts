import {
  emptyFolder,
  FieldReader,
  fields,
  foldersIn,
  withFields,
  type Field,
} from "../text/config-fields.ts";
import { findFolder, withChildren, type ConfigFolder } from "../text/config-node.ts";
import { checkIdentity } from "../../identity/identity-check.ts";
import type { ServerIdentity } from "../../settings/server-settings.ts";
import { identityToPem } from "../../identity/identity-pem.ts";

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
    ServerChain: withChildren({ name: "ServerChain" }, chain),
  };
}

function isUsable(identity: ServerIdentity): boolean {
  if (identity.certificate.length === 0 || identity.key.length === 0) return false;
  try {
    return checkIdentity(identityToPem(identity)).identity !== undefined;
  } catch {
    return false;
  }
}
