import assert from "node:assert/strict";
import { describe, test } from "node:test";
import ssh2 from "ssh2";
import { parseHostKey } from "../../../components/arguments/host-key.ts";
import { hostKey, hostKeyBase64 } from "./host-key-text.ts";
import { problemOf } from "./problems-of.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

const read = (text: unknown) => parseHostKey(text, "hostKey");

describe("parseHostKey", () => {
  test("reads authorized_keys form, with and without a comment", () => {
    assert.deepEqual(read(hostKey), { type: "ssh-ed25519", base64: hostKeyBase64 });
    assert.deepEqual(read(`${hostKey} root@host\n`), { type: "ssh-ed25519", base64: hostKeyBase64 });
  });

  test("reads keys of every type that can be pinned", () => {
    for (const bits of [256, 384, 521] as const) {
      const { public: text } = ssh2.utils.generateKeyPairSync("ecdsa", { bits });
      assert.equal(`${read(text).type} ${read(text).base64}`, text.trim());
    }
  });

  test("reads what ssh-keyscan prints, with the host in front, comments and keys of other types", () => {
    const scanned = `# h:2222 SSH-2.0-OpenSSH\n[h]:2222 ssh-rsa AAAAB3\n[h]:2222 ${hostKey}\n`;
    assert.deepEqual(read(scanned), { type: "ssh-ed25519", base64: hostKeyBase64 });
  });

  const needed =
    '"TYPE BASE64" is needed, with TYPE one of ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521';
  const otherType = (type: string) =>
    `is a key of the type ${type}, which cannot be pinned: "ssh-keyscan -t ed25519 HOST" prints another of the host's. ${needed}`;
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["words", "hello", `is no public key that can be pinned: ${needed}`],
    ["a type alone", "ssh-ed25519", `is no public key that can be pinned: ${needed}`],
    ["what is no base64", "ssh-ed25519 not*base64", `is no public key that can be pinned: ${needed}`],
    [
      "a fingerprint",
      "256 SHA256:abc root@h",
      `is the fingerprint of a key: the key itself is needed. ${needed}`,
    ],
    ["an RSA key", "ssh-rsa AAAAB3NzaC1 root@h", otherType("ssh-rsa")],
    [
      "a host certificate",
      "ssh-ed25519-cert-v01@openssh.com AAAA",
      otherType("ssh-ed25519-cert-v01@openssh.com"),
    ],
    [
      "a private key",
      ed25519KeyPair().private,
      `is a private key: the host's public key is needed. ${needed}`,
    ],
    [
      "a key that is cut off",
      hostKey.slice(0, -12),
      "does not hold a key of the type ssh-ed25519 that it names: copy the whole line",
    ],
    [
      "a key of another type than it names",
      `ecdsa-sha2-nistp256 ${hostKeyBase64}`,
      "does not hold a key of the type ecdsa-sha2-nistp256 that it names: copy the whole line",
    ],
    ["a number", 7, 'is 7: a text is needed, in quotes: "7"'],
  ];
  for (const [name, value, problem] of cases) {
    test(`refuses ${name}: ${problem}`, () => {
      assert.equal(
        problemOf(() => read(value)),
        `hostKey ${problem}`,
      );
    });
  }
});
