import { createPublicKey } from "node:crypto";
import ssh2 from "ssh2";
import { ArgumentError } from "./argument-error.ts";
import { isLeftOut, kindProblems } from "./argument-kind.ts";
import { mistakenPem, normalPem, pemLabels } from "./pem.ts";

/** A private key that can log in. */
export interface SshPrivateKey {
  readonly privateKey: string;
  /** Only where the key is encrypted: `@pulumi/command` refuses one that is not needed. */
  readonly privateKeyPassword?: string;
}

const longestCharacters = 64 * 1024;
/** What both `ssh2` and `@pulumi/command` decrypt in OpenSSH form; ssh-keygen takes the first by default. */
const ciphers = ["aes256-ctr", "aes256-cbc"];
/** Shorter ones OpenSSH refuses (`RequiredRSASize`). */
const shortestRsaBits = 1024;
const rewrite = '"ssh-keygen -p -f FILE" writes it anew in OpenSSH form';
const makeAnother = 'make another: "ssh-keygen -t ed25519"';

/**
 * Checks a private key, its passphrase, and that both readers, `ssh2` and `@pulumi/command`, can use it.
 *
 * @param path of the object that both are members of, such as `connection`
 * @throws ArgumentError without a word of the key
 */
export function parsePrivateKey(
  path: string,
  privateKey: NonNullable<unknown>,
  passphrase: unknown,
): SshPrivateKey {
  const kind = { type: "text", secret: true } as const;
  const problems = [
    ...kindProblems(`${path}.privateKey`, privateKey, kind),
    ...(passphrase === "" ? [] : kindProblems(`${path}.privateKeyPassword`, passphrase, kind)),
  ];
  if (problems.length > 0) throw new ArgumentError(problems);
  const text = privateKey as string;
  const ofKey = (problem: string) => new ArgumentError([`${path}.privateKey ${problem}`]);
  const ofPassphrase = (problem: string) => new ArgumentError([`${path}.privateKeyPassword ${problem}`]);

  const unusable = mistakenPem(text) ?? unusableForm(text);
  if (unusable !== undefined) throw ofKey(unusable);
  const pem = normalPem(text);
  const cipher = cipherOf(pem);
  if (cipher === undefined) {
    const problem = problemOfUsing(pem, undefined);
    if (problem !== undefined) throw ofKey(problem);
    return { privateKey: pem };
  }
  if (cipher === "out of use") throw ofKey(`is encrypted in a form that cannot be used: ${rewrite}`);
  if (isLeftOut(passphrase) || passphrase === "") {
    throw ofPassphrase("is missing, and privateKey is encrypted: give its passphrase, or a key without one");
  }
  const problem = problemOfUsing(pem, passphrase as string);
  if (problem === wrongPassphrase) throw ofPassphrase(problem);
  if (problem !== undefined) throw ofKey(problem);
  return { privateKey: pem, privateKeyPassword: passphrase as string };
}

/** Forms that are well known and of no use here. */
function unusableForm(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length > longestCharacters) {
    return `is longer than ${longestCharacters} characters, which no private key is`;
  }
  if (/^(?:\S+ )?(?:ssh-|ecdsa-|sk-)\S+ AAAA|^---- BEGIN SSH2 PUBLIC KEY/.test(trimmed)) {
    return "is a public key: give the private one, which is in the file without .pub";
  }
  if (trimmed.startsWith("PuTTY-User-Key-File-")) {
    return 'is in the form of PuTTY: "puttygen FILE.ppk -O private-openssh -o FILE" writes it in OpenSSH form';
  }
  if (trimmed.startsWith("SSH PRIVATE KEY FILE FORMAT 1")) {
    return `is a key of SSH 1, which no server takes: ${makeAnother}`;
  }
  const [label, ...others] = pemLabels(normalPem(text));
  if (others.length > 0) return "holds more than one PEM: give the private key alone";
  switch (label) {
    case "OPENSSH PRIVATE KEY":
    case "RSA PRIVATE KEY":
    case "EC PRIVATE KEY":
      return undefined;
    case "DSA PRIVATE KEY":
      return dsa;
    case "PRIVATE KEY":
    case "ENCRYPTED PRIVATE KEY":
      return `is in PKCS #8 form ("BEGIN ${label}"), which cannot be used here: ${rewrite}`;
    case "CERTIFICATE":
      return "is a certificate: give the private key that you log in with";
    case undefined:
      return 'is no private key: the content of a file that begins with "-----BEGIN OPENSSH PRIVATE KEY-----" is needed';
    default:
      return label.endsWith("PUBLIC KEY")
        ? "is a public key: give the private one"
        : "is no private key: a PEM in OpenSSH form is needed";
  }
}

const dsa = `is a DSA key, which SSH servers refuse: ${makeAnother}`;
const wrongPassphrase = "is not the passphrase of privateKey";

/** How the key is encrypted; `undefined` when it is not. */
function cipherOf(pem: string): string | undefined {
  if (!pem.startsWith("-----BEGIN OPENSSH")) {
    return /^Proc-Type: *4, *ENCRYPTED$/m.test(pem) ? "by passphrase" : undefined;
  }
  // "openssh-key-v1\0", then the cipher's name behind its length (OpenSSH, PROTOCOL.key).
  const blob = Buffer.from(pem.split("\n").slice(1, -2).join(""), "base64").toString("latin1");
  const cipher = /^openssh-key-v1\0\0\0\0[\s\S]([\w@.-]+)/.exec(blob)?.[1] ?? "none";
  if (cipher === "none") return undefined;
  return ciphers.includes(cipher) ? cipher : "out of use";
}

/** Signs something with the key, which is what it is for. */
function problemOfUsing(pem: string, passphrase: string | undefined): string | undefined {
  const isLegacy = !pem.startsWith("-----BEGIN OPENSSH");
  const damaged =
    isLegacy && passphrase !== undefined
      ? wrongPassphrase // Wrongly decrypted, it is anything.
      : "is damaged: copy the whole file, from -----BEGIN to -----END";
  try {
    const parsed = ssh2.utils.parseKey(pem, passphrase);
    if (parsed instanceof Error) return problemOf(parsed, damaged);
    if (!parsed.isPrivateKey()) return damaged;
    if (parsed.type === "ssh-dss") return dsa;
    const data = Buffer.from("vpnserver");
    const signature: unknown = parsed.sign(data);
    if (!Buffer.isBuffer(signature) || parsed.verify(data, signature) !== true) return damaged;
    const bits = createPublicKey(parsed.getPublicPEM()).asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < shortestRsaBits) {
      return `is an RSA key of ${bits} bits, which SSH servers refuse: ${makeAnother}`;
    }
    return undefined;
  } catch {
    return damaged;
  }
}

function problemOf({ message }: Error, damaged: string): string {
  if (/integrity check failed/i.test(message)) return wrongPassphrase;
  if (/key type: sk-/i.test(message)) {
    return "belongs to a security key: load it into an SSH agent, and give agentSocketPath instead";
  }
  if (/unsupported (?:cipher|kdf|openssh private key type|private key ec oid)|not supported/i.test(message)) {
    return `is of a kind that cannot be used: ${rewrite}, or ${makeAnother}`;
  }
  return damaged;
}
