import { createPrivateKey } from "node:crypto";
import ssh2 from "ssh2";

/** A public key that a server has to prove to own. */
export interface HostKey {
  /** Such as `ssh-ed25519`: the only algorithm that is offered to the server. */
  readonly type: string;
  /** The key as it travels. */
  readonly blob: Buffer;
}

/**
 * Reads one public key in authorized_keys form, with options, a host or nothing before it and a comment behind it. The
 * first line that holds one counts.
 *
 * @throws Error with the text of the official program
 */
export function parseHostKey(lines: string): HostKey {
  let lastError = "";
  for (const line of lines.split("\n")) {
    const trimmed = (line.split("\r")[0] ?? "").trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    // `TYPE KEY`, else `OPTIONS TYPE KEY`, where options may hold quoted blanks.
    for (const pattern of [/^\S+[ \t]+(.+)$/, /^(?:[^\s"]|"(?:\\"|[^"])*")+[ \t]+\S+[ \t]+(.+)$/]) {
      const words = pattern.exec(trimmed)?.[1];
      if (words === undefined) continue;
      const key = parseBase64Key(words.trim().split(/[ \t]/)[0] ?? "");
      if (typeof key !== "string") return key;
      lastError = key;
    }
  }
  throw new Error(
    `failed to parse host key: ssh: no key found${lastError && `; last parsing error for ignored line: ${lastError}`}`,
  );
}

/** The key, or what is wrong with it. */
function parseBase64Key(base64: string): HostKey | string {
  const wrong = /[^A-Za-z0-9+/=]/.exec(base64);
  if (wrong) return `illegal base64 data at input byte ${wrong.index}`;
  const blob = Buffer.from(base64, "base64");
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : Infinity;
  if (4 + length > blob.length) return "ssh: short read";
  const type = blob.toString("latin1", 4, 4 + length);
  const key = ssh2.utils.parseKey(`${type} ${base64}`);
  if (key instanceof Error) {
    const known = /^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521))$/.test(type);
    return known ? "ssh: short read" : `ssh: unknown key algorithm: ${type}`;
  }
  return { type, blob };
}

/**
 * Checks a private key in PEM or OpenSSH form, and gives it back in a form that ssh2 reads.
 *
 * @throws Error with the text of the official program
 */
export function parsePrivateKey(pem: string, passphrase: string | undefined): ssh2.ParsedKey {
  const block = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/.exec(pem);
  if (!block) throw new Error("ssh: no key found");
  const [framed = "", type = "", body = ""] = block;
  const openSsh = type === "OPENSSH PRIVATE KEY";
  const encryptedPem = /^Proc-Type:.*ENCRYPTED/m.test(body);
  if (!/^((RSA|EC|DSA|OPENSSH) )?PRIVATE KEY$/.test(type) && !(passphrase !== undefined)) {
    throw new Error(`ssh: unsupported key type "${type}"`);
  }
  if (passphrase !== undefined && !openSsh && !encryptedPem) throw new Error("ssh: not an encrypted key");
  if (passphrase === undefined && encryptedPem)
    throw new Error("ssh: this private key is passphrase protected");
  if (passphrase !== undefined && openSsh && !isEncryptedOpenSsh(body)) {
    throw new Error("ssh: key is not password protected");
  }
  if (passphrase === "" && openSsh) throw new Error("bcrypt_pbkdf: empty password");

  const parsed = ssh2.utils.parseKey(type === "PRIVATE KEY" ? fromPkcs8(framed) : framed, passphrase);
  const key = Array.isArray(parsed) ? (parsed as ssh2.ParsedKey[])[0] : parsed;
  if (key === undefined || key instanceof Error || !key.isPrivateKey()) {
    const message = key instanceof Error ? key.message : "";
    if (/no passphrase given/i.test(message))
      throw new Error("ssh: this private key is passphrase protected");
    if (passphrase !== undefined) throw new Error("x509: decryption password incorrect");
    throw new Error(
      openSsh ? "ssh: invalid openssh private key format" : `ssh: malformed private key: ${message}`,
    );
  }
  return key;
}

/** The header names the cipher; `none` means that no passphrase protects the key. */
function isEncryptedOpenSsh(body: string): boolean {
  const bytes = Buffer.from(body, "base64");
  const magic = "openssh-key-v1\0";
  if (bytes.toString("latin1", 0, magic.length) !== magic || bytes.length < magic.length + 8) return true;
  const length = bytes.readUInt32BE(magic.length);
  return bytes.toString("latin1", magic.length + 4, magic.length + 4 + length) !== "none";
}

/** ssh2 does not read PKCS#8, which other tools make; the same key has an older form that it reads. */
function fromPkcs8(pem: string): string {
  let key;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new Error(`ssh: malformed private key: ${(error as Error).message}`, { cause: error });
  }
  switch (key.asymmetricKeyType as string) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }) as string;
    case "ec":
      return key.export({ type: "sec1", format: "pem" }) as string;
    case "ed25519": {
      const { d = "", x = "" } = key.export({ format: "jwk" });
      return openSshEd25519(Buffer.from(d, "base64url"), Buffer.from(x, "base64url"));
    }
    default:
      throw new Error(`ssh: unsupported key type "${key.asymmetricKeyType}"`);
  }
}

/** An Ed25519 key in OpenSSH's own form (OpenSSH, PROTOCOL.key), without encryption. */
function openSshEd25519(seed: Buffer, publicKey: Buffer): string {
  const type = Buffer.from("ssh-ed25519");
  const check = Buffer.alloc(8);
  const secrets = Buffer.concat([
    check,
    ...[type, publicKey, Buffer.concat([seed, publicKey]), Buffer.alloc(0)].map(withLength),
  ]);
  const padding = Buffer.from(Array.from({ length: -secrets.length & 7 }, (_, index) => index + 1));
  const none = Buffer.from("none");
  const bytes = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    withLength(none),
    withLength(none),
    withLength(Buffer.alloc(0)),
    Buffer.from([0, 0, 0, 1]),
    withLength(Buffer.concat([type, publicKey].map(withLength))),
    withLength(Buffer.concat([secrets, padding])),
  ]);
  const lines = bytes.toString("base64").match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
