import {
  digestBytes,
  subjectParts,
  type RevokedCertificate,
  type SubjectPart,
} from "../../settings/revoked-certificate.ts";
import { inOrderOfPriority, type SourceAddressRule } from "../../settings/source-address-rule.ts";
import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import { emptyFolder, FieldReader, fields, withFields } from "../text/config-fields.ts";
import type { ConfigFolder } from "../text/config-node.ts";

/**
 * An entry of `CrlList`. Source: `Cedar/Server.c` SiLoadCrlList.
 *
 * @throws {ConfigFieldError} when a number or digest is not in hexadecimal, or of another size: an entry without it would revoke more
 */
export function readRevokedCertificate(folder: ConfigFolder, path: string): RevokedCertificate {
  const reader = new FieldReader(folder, path);
  const hex = (name: string, size: number | undefined) => {
    const text = reader.text(name).replace(/[\s:-]/g, "");
    if (!/^([0-9a-f]{2})*$/i.test(text)) throw reader.error(name, "is not in hexadecimal");
    const bytes = Uint8Array.from(Buffer.from(text, "hex"));
    if (size !== undefined && bytes.length !== 0 && bytes.length !== size) {
      throw reader.error(name, `has ${bytes.length} bytes instead of ${size}`);
    }
    return bytes;
  };
  return {
    subject: Object.fromEntries(subjectParts.map((part) => [part, reader.text(part)])) as Record<
      SubjectPart,
      string
    >,
    serial: hex("Serial", undefined),
    md5: hex("DigestMD5", digestBytes.md5),
    sha1: hex("DigestSHA1", digestBytes.sha1),
  };
}

/** What is empty is left out. */
export function writeRevokedCertificate(revoked: RevokedCertificate, name: string): ConfigFolder {
  const text = (value: string) => (value === "" ? undefined : fields.text(value));
  const hex = (bytes: Uint8Array) => text(Buffer.from(bytes).toString("hex").toUpperCase());
  return withFields(emptyFolder(name), {
    ...Object.fromEntries(subjectParts.map((part) => [part, text(revoked.subject[part])])),
    DigestMD5: hex(revoked.md5),
    DigestSHA1: hex(revoked.sha1),
    Serial: hex(revoked.serial),
  });
}

/**
 * The rules in the folders of `IPAccessControlList`, in the order in which they are tried. Source: `Cedar/Server.c` SiLoadAcList.
 *
 * @throws {ConfigFieldError} when an address cannot be read
 */
export function readSourceAddresses(folders: readonly ConfigFolder[], path: string): SourceAddressRule[] {
  return inOrderOfPriority(
    folders.map((folder) => {
      const reader = new FieldReader(folder, `${path}/${folder.name}`);
      const address = (name: string) => {
        const bytes = parseAddress(reader.text(name));
        if (bytes === undefined) throw reader.error(name, "is no IP address");
        return bytes;
      };
      const network = address("IpAddress");
      const mask = reader.text("NetMask") === "" ? undefined : address("NetMask");
      if (mask !== undefined && mask.length !== network.length) {
        throw reader.error("NetMask", "is not of the kind of the address");
      }
      return {
        priority: reader.uint("Priority"),
        action: reader.bool("Deny") ? "deny" : "allow",
        address: network,
        mask,
      };
    }),
  );
}

export function writeSourceAddress(rule: SourceAddressRule, name: string): ConfigFolder {
  return withFields(emptyFolder(name), {
    Deny: fields.bool(rule.action === "deny"),
    Priority: fields.uint(rule.priority),
    IpAddress: fields.text(formatAddress(rule.address)),
    NetMask: rule.mask && fields.text(formatAddress(rule.mask)),
  });
}
