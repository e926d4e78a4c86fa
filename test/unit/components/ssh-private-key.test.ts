import ssh2 from "ssh2";
import assert from "node:assert/strict";
import { generateKeyPairSync, type PrivateKeyInput } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { parsePrivateKey } from "../../../components/arguments/ssh-private-key.ts";
import { problemOf } from "./problems-of.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

const { utils } = ssh2;
const ed25519 = ed25519KeyPair();
const encrypted = ed25519KeyPair({
  passphrase: "open sesame",
  cipher: "aes256-ctr",
  // As few as can be: each reading of the key takes them all.
  rounds: 1,
});
const read = (key: NonNullable<unknown>, passphrase?: unknown) =>
  parsePrivateKey("connection", key, passphrase);

const keys = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ec: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
};

/** A key as OpenSSL writes it. */
function pem(type: "pkcs1" | "pkcs8" | "sec1", algorithm: "rsa" | "ec", cipher?: string): string {
  const options = { type, format: "pem", ...(cipher && { cipher, passphrase: "open sesame" }) };
  return keys[algorithm].export(options as PrivateKeyInput as never) as unknown as string;
}

describe("parsePrivateKey", () => {
  test("takes ed25519, ECDSA and RSA keys in OpenSSH form", () => {
    const inOpenSshForm = [
      ed25519,
      utils.generateKeyPairSync("ecdsa", { bits: 384 }),
      utils.generateKeyPairSync("rsa", { bits: 2048 }),
    ];
    for (const key of inOpenSshForm) assert.equal(read(key.private).privateKey.trim(), key.private.trim());
  });

  test("takes RSA and EC keys in the older PEM form", () => {
    for (const key of [pem("pkcs1", "rsa"), pem("sec1", "ec")]) assert.equal(read(key).privateKey, key);
  });

  test("does not mind CRLF, indentation or a missing end of the last line", () => {
    const { privateKey } = read(ed25519.private);
    const variants = [
      ed25519.private.trim(),
      ed25519.private.replaceAll("\n", "\r\n"),
      ed25519.private.replaceAll("\n", "\n    "),
      `\n\n${ed25519.private}\n\n`,
    ];
    for (const variant of variants) assert.equal(read(variant).privateKey, privateKey);
    assert.ok(privateKey.endsWith("-----END OPENSSH PRIVATE KEY-----\n"));
  });

  test("takes an encrypted key with its passphrase", () => {
    for (const key of [encrypted.private, pem("pkcs1", "rsa", "aes-256-cbc")]) {
      assert.equal(read(key, "open sesame").privateKeyPassword, "open sesame");
    }
  });

  test("keeps no passphrase that is not needed", () => {
    assert.equal("privateKeyPassword" in read(ed25519.private, "needless"), false);
    assert.equal("privateKeyPassword" in read(ed25519.private, ""), false);
  });

  const damaged = "privateKey is damaged: copy the whole file, from -----BEGIN to -----END";
  const rewrite = '"ssh-keygen -p -f FILE" writes it anew in OpenSSH form';
  const another = 'make another: "ssh-keygen -t ed25519"';
  const missingPassphrase =
    "privateKeyPassword is missing, and privateKey is encrypted: give its passphrase, or a key without one";
  const path =
    'privateKey looks like the path of a file: give its content, which readFileSync(path, "utf8") reads';
  const rsa1 = generateKeyPairSync("rsa", { modulusLength: 768 }).privateKey;
  const otherCipher = { passphrase: "open sesame", cipher: "aes128-ctr", rounds: 1 };
  const cases: readonly (readonly [string, NonNullable<unknown>, unknown, string])[] = [
    ["a boolean", true, undefined, "privateKey is a boolean: a text is needed, in quotes"],
    ["nothing", "", undefined, "privateKey is empty: give it a value, or leave it out"],
    ["white space", " \n", undefined, "privateKey is empty: give the content of the file"],
    ["a path", "~/.ssh/id_ed25519", undefined, path],
    ["the name of a file", "id_rsa", undefined, path],
    [
      "a public key",
      ed25519.public,
      undefined,
      "privateKey is a public key: give the private one, which is in the file without .pub",
    ],
    [
      "a public key in PEM",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
      undefined,
      "privateKey is a public key: give the private one",
    ],
    [
      "a certificate",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      undefined,
      "privateKey is a certificate: give the private key that you log in with",
    ],
    [
      "garbage",
      "hidden words",
      undefined,
      'privateKey is no private key: the content of a file that begins with "-----BEGIN OPENSSH PRIVATE KEY-----" is needed',
    ],
    [
      "a PEM of something else",
      "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
      undefined,
      "privateKey is no private key: a PEM in OpenSSH form is needed",
    ],
    [
      "two keys",
      ed25519.private.trim() + "\n" + encrypted.private,
      undefined,
      "privateKey holds more than one PEM: give the private key alone",
    ],
    [
      "base64 of a key",
      Buffer.from(ed25519.private).toString("base64"),
      undefined,
      "privateKey is a PEM in base64: decode it first",
    ],
    [
      "a key on one line",
      ed25519.private.replaceAll("\n", " "),
      undefined,
      "privateKey is a PEM on one line: keep its line breaks",
    ],
    [
      "a key whose lines end in a backslash and an n",
      ed25519.private.replaceAll("\n", "\\n"),
      undefined,
      'privateKey has "\\n" where its lines should end: replace each by a line break',
    ],
    [
      "a key that is cut off",
      ed25519.private.slice(0, 200),
      undefined,
      "privateKey is cut off: the last line, -----END …-----, is missing",
    ],
    ["a damaged key", ed25519.private.replace(/\n.{20}/, "\nAAAA"), undefined, damaged],
    [
      "an RSA key of zeros",
      pem("pkcs1", "rsa").replace(/[A-Za-z0-9+/]{64}/g, "A".repeat(64)),
      undefined,
      damaged,
    ],
    [
      "a key that is no key",
      "-----BEGIN OPENSSH PRIVATE KEY-----\naGVsbG8=\n-----END OPENSSH PRIVATE KEY-----\n",
      undefined,
      damaged,
    ],
    [
      "PKCS #8",
      pem("pkcs8", "ec"),
      undefined,
      `privateKey is in PKCS #8 form ("BEGIN PRIVATE KEY"), which cannot be used here: ${rewrite}`,
    ],
    [
      "encrypted PKCS #8",
      pem("pkcs8", "rsa", "aes-256-cbc"),
      "open sesame",
      `privateKey is in PKCS #8 form ("BEGIN ENCRYPTED PRIVATE KEY"), which cannot be used here: ${rewrite}`,
    ],
    [
      "a key of PuTTY",
      "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
      undefined,
      'privateKey is in the form of PuTTY: "puttygen FILE.ppk -O private-openssh -o FILE" writes it in OpenSSH form',
    ],
    [
      "a key of SSH 1",
      "SSH PRIVATE KEY FILE FORMAT 1.1\n",
      undefined,
      `privateKey is a key of SSH 1, which no server takes: ${another}`,
    ],
    [
      "a DSA key",
      "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n",
      undefined,
      `privateKey is a DSA key, which SSH servers refuse: ${another}`,
    ],
    [
      "a short RSA key",
      rsa1.export({ type: "pkcs1", format: "pem" }),
      undefined,
      `privateKey is an RSA key of 768 bits, which SSH servers refuse: ${another}`,
    ],
    [
      "a curve that SSH does not know",
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey.export({
        type: "sec1",
        format: "pem",
      }),
      undefined,
      `privateKey is of a kind that cannot be used: ${rewrite}, or ${another}`,
    ],
    [
      "a key that is too long",
      "A".repeat(70_000),
      undefined,
      "privateKey is longer than 65536 characters, which no private key is",
    ],
    [
      "another cipher than both readers know",
      ed25519KeyPair(otherCipher).private,
      "open sesame",
      `privateKey is encrypted in a form that cannot be used: ${rewrite}`,
    ],
    ["an encrypted key alone", encrypted.private, undefined, missingPassphrase],
    ["an encrypted key with an empty passphrase", encrypted.private, "", missingPassphrase],
    ["an encrypted PEM alone", pem("pkcs1", "rsa", "aes-128-cbc"), undefined, missingPassphrase],
    [
      "a wrong passphrase",
      encrypted.private,
      "hidden",
      "privateKeyPassword is not the passphrase of privateKey",
    ],
    [
      "a wrong passphrase of a PEM",
      pem("pkcs1", "rsa", "aes-256-cbc"),
      "hidden",
      "privateKeyPassword is not the passphrase of privateKey",
    ],
    [
      "a passphrase that is a number",
      encrypted.private,
      1234,
      "privateKeyPassword is a number: a text is needed, in quotes",
    ],
  ];
  for (const [name, key, passphrase, problem] of cases) {
    test(`refuses ${name}: ${problem}`, () => {
      const told = problemOf(() => read(key, passphrase));
      assert.equal(told, `connection.${problem}`);
      assert.doesNotMatch(told, /hidden|1234|open sesame/);
    });
  }

  test("knows a key of a security key", () => {
    // An OpenSSH private key whose type is one that only the device can use.
    const text = (value: string) => {
      const bytes = Buffer.from(value, "latin1");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const type = "sk-ssh-ed25519@openssh.com";
    const secret = Buffer.concat([Buffer.alloc(8, 1), text(type), text("k".repeat(32))]);
    const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
    const blob = Buffer.concat([
      Buffer.from("openssh-key-v1\0", "latin1"),
      text("none"),
      text("none"),
      text(""),
      Buffer.from([0, 0, 0, 1]),
      text(text(type).toString("latin1")),
      text(Buffer.concat([secret, padding]).toString("latin1")),
    ]);
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${blob.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
    assert.equal(
      problemOf(() => read(key)),
      "connection.privateKey belongs to a security key: load it into an SSH agent, and give agentSocketPath instead",
    );
  });

  test("reads any text, and a key with any byte changed, or tells what is wrong", () => {
    const changed = fc
      .tuple(fc.nat(ed25519.private.length - 1), fc.string({ minLength: 1, maxLength: 3 }))
      .map(([at, text]) => ed25519.private.slice(0, at) + text + ed25519.private.slice(at + text.length));
    const anything = fc.anything().map((value) => value ?? {});
    fc.assert(
      fc.property(fc.oneof(fc.string(), changed, anything), fc.option(fc.string()), (key, passphrase) => {
        try {
          read(key, passphrase);
        } catch (error) {
          assert.ok(error instanceof ArgumentError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
