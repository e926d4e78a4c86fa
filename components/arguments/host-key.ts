import ssh2 from "ssh2";
import type { HostKey } from "../ssh/ssh-connection.ts";
import { ArgumentError } from "./argument-error.ts";
import { kindProblems } from "./argument-kind.ts";

/** RSA is not among them: `@pulumi/command` offers only its SHA-1 form for a pinned key, which SSH servers refuse. */
const hostKeyTypes = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];
const needed = `"TYPE BASE64" is needed, with TYPE one of ${hostKeyTypes.join(", ")}`;

/**
 * Reads one public key in authorized_keys form; lines of `ssh-keyscan`, which have the host in front, are understood too.
 *
 * @throws ArgumentError when it is none, or of a type that cannot be pinned
 */
export function parseHostKey(text: unknown, path: string): HostKey {
  const problems = kindProblems(path, text, { type: "text" });
  if (problems.length > 0) throw new ArgumentError(problems);
  const words = String(text).trim().split(/\s+/);
  const at = words.findIndex((word) => hostKeyTypes.includes(word));
  const type = words[at];
  const base64 = words[at + 1];
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new ArgumentError([`${path} ${problemOf(String(text))}`]);
  }
  const blob = Buffer.from(base64, "base64");
  const nameLength = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (blob.toString("latin1", 4, 4 + nameLength) !== type || !isWhole(type, base64)) {
    throw new ArgumentError([
      `${path} does not hold a key of the type ${type} that it names: copy the whole line`,
    ]);
  }
  return { type, base64 };
}

function isWhole(type: string, base64: string): boolean {
  try {
    return !(ssh2.utils.parseKey(`${type} ${base64}`) instanceof Error);
  } catch {
    return false;
  }
}

function problemOf(text: string): string {
  if (text.includes("PRIVATE KEY")) return `is a private key: the host's public key is needed. ${needed}`;
  if (/(?:SHA256|MD5):/.test(text)) return `is the fingerprint of a key: the key itself is needed. ${needed}`;
  const other = /(?:^|\s)(ssh-rsa|ssh-dss|sk-\S+|\S+-cert-v01@openssh\.com)\s/.exec(text)?.[1];
  if (other !== undefined) {
    return `is a key of the type ${other}, which cannot be pinned: "ssh-keyscan -t ed25519 HOST" prints another of the host's. ${needed}`;
  }
  return `is no public key that can be pinned: ${needed}`;
}
