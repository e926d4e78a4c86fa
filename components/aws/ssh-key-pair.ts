import { generateKeyPairSync, randomBytes } from "node:crypto";

const keyType = "ssh-ed25519";
const blockBytes = 8;

/**
 * A new ed25519 private key in OpenSSH form, which `sshd`, `ssh2` and `@pulumi/command` read.
 *
 * Layout: OpenSSH, PROTOCOL.key. It is written here because Node.js knows no OpenSSH form, and ssh2 writes one key of a few hundred so
 * that nobody can read it.
 */
export function makeSshPrivateKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  const seed = Buffer.from(d, "base64url");
  const publicBytes = Buffer.from(x, "base64url");
  const publicBlob = Buffer.concat([string(keyType), string(publicBytes)]);
  const check = randomBytes(4);
  const unpadded = Buffer.concat([
    check,
    check,
    publicBlob,
    string(Buffer.concat([seed, publicBytes])),
    string(""), // comment
  ]);
  const padding = Buffer.from(
    Array.from(
      { length: (blockBytes - (unpadded.length % blockBytes)) % blockBytes },
      (_, index) => index + 1,
    ),
  );
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"), // cipher
    string("none"), // key derivation
    string(""), // its options
    uint32(1), // keys
    string(publicBlob),
    string(Buffer.concat([unpadded, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
}

/** The public key of a private one that {@link makeSshPrivateKey} made, in authorized_keys form. */
export function sshPublicKeyOf(privateKey: string): string {
  const base64 = privateKey.replace(/-----[^-]+-----|\s/g, "");
  const blob = Buffer.from(base64, "base64");
  // Before the public key: the magic, "none" twice, an empty text, and the number of keys.
  const at = "openssh-key-v1\0".length + 8 + 8 + 4 + 4;
  const length = blob.readUInt32BE(at);
  const publicBlob = blob.subarray(at + 4, at + 4 + length);
  return `${keyType} ${publicBlob.toString("base64")}`;
}

/** A text or bytes behind their length. */
function string(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
