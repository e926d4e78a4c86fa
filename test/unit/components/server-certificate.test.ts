import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { resolveCertificate } from "../../../components/arguments/server-certificate.ts";
import { certificateOf, pemOf } from "../identity/make-certificate.ts";
import type { Identity } from "../access/client-certificate.ts";
import { pemIdentity, type PemIdentity } from "./pem-identity.ts";
import { problemOf, problemsOf } from "./problems-of.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

let leaf: PemIdentity;
let authority: PemIdentity;

before(async () => {
  const signer = await certificateOf("CN=authority", { ca: true });
  const signed = await certificateOf("CN=vpn.example.org", { issuer: signer });
  [leaf, authority] = await Promise.all([asPemIdentity(signed), asPemIdentity(signer)]);
});

async function asPemIdentity(made: Identity): Promise<PemIdentity> {
  const { certificatePem, keyPem } = await pemOf(made);
  return {
    certificate: certificatePem,
    certificateDer: Buffer.from(made.x509.rawData),
    privateKey: keyPem,
  };
}

const chain = () => `${leaf.certificate.trim()}\n${authority.certificate.trim()}\n`;

describe("resolveCertificate", () => {
  test("is content without a certificate", () => {
    assert.equal(resolveCertificate({}), undefined);
    assert.equal(resolveCertificate({ certificate: null, privateKey: undefined }), undefined);
  });

  test("takes a certificate with its chain and its key", () => {
    const { privateKey } = leaf;
    assert.deepEqual(resolveCertificate({ certificate: chain(), privateKey }), {
      certificate: chain(),
      privateKey,
    });
  });

  test("takes EC keys, with the parameters that OpenSSL puts in front", async () => {
    const { certificate, privateKey } = await pemIdentity("CN=ec", { algorithm: "ec" });
    const withParameters = `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${privateKey}`;
    assert.equal(resolveCertificate({ certificate, privateKey })?.privateKey, privateKey);
    assert.ok(resolveCertificate({ certificate, privateKey: withParameters }));
  });

  test("gives the same for CRLF, indentation and a missing last line end", () => {
    const expected = resolveCertificate({ certificate: chain(), privateKey: leaf.privateKey });
    for (const change of [
      (text: string) => text.replaceAll("\n", "\r\n"),
      (text: string) => text.trim(),
      (text: string) => text.replaceAll("\n", "\n  "),
    ]) {
      const given = { certificate: change(chain()), privateKey: change(leaf.privateKey) };
      assert.deepEqual(resolveCertificate(given), expected);
    }
  });

  test("tells what is wrong in the words of whoever asks", () => {
    const paths = { certificate: "vpnserver:certificate", privateKey: "vpnserver:certificateKey" };
    assert.equal(
      problemOf(() => resolveCertificate({ certificate: leaf.certificate }, paths)),
      "vpnserver:certificateKey is missing: vpnserver:certificate is of use only with its key",
    );
  });

  const neededCertificate = 'a PEM is needed that begins with "-----BEGIN CERTIFICATE-----"';
  const neededKey = 'a PEM is needed that begins with "-----BEGIN PRIVATE KEY-----"';
  const path = 'looks like the path of a file: give its content, which readFileSync(path, "utf8") reads';
  const body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const encryptedKey = () =>
    generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hidden" },
    }).privateKey;
  const isEncrypted = 'privateKey is encrypted: "openssl pkey -in FILE" prints it without passphrase';
  const cases: readonly (readonly [string, () => object, string])[] = [
    [
      "a certificate alone",
      () => ({ privateKey: undefined }),
      "privateKey is missing: certificate is of use only with its key",
    ],
    [
      "a key alone",
      () => ({ certificate: undefined }),
      "certificate is missing: privateKey is of use only with its certificate",
    ],
    ["a number", () => ({ certificate: 7 }), "certificate is a number: a text is needed, in quotes"],
    ["an empty key", () => ({ privateKey: "" }), "privateKey is empty: give it a value, or leave it out"],
    ["the path of a certificate", () => ({ certificate: "./server.crt" }), `certificate ${path}`],
    ["the path of a key", () => ({ privateKey: "/etc/ssl/server.key" }), `privateKey ${path}`],
    ["words", () => ({ certificate: "hidden words" }), `certificate is no certificate: ${neededCertificate}`],
    ["words for a key", () => ({ privateKey: "hidden words" }), `privateKey is no private key: ${neededKey}`],
    [
      "a key beside the certificate",
      () => ({ certificate: leaf.certificate.trim() + "\n" + leaf.privateKey }),
      "certificate holds a private key: give certificates alone, and the key as a secret of its own",
    ],
    [
      "a request",
      () => ({ certificate: body.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST") }),
      `certificate holds something besides certificates: ${neededCertificate}`,
    ],
    ["a damaged certificate", () => ({ certificate: body }), "certificate is damaged: it cannot be read"],
    [
      "a damaged authority",
      () => ({ certificate: `${leaf.certificate.trim()}\n${body}` }),
      "certificate is damaged: its certificate number 2 cannot be read",
    ],
    [
      "a block that does not end",
      () => ({ certificate: leaf.certificate.replace(/-----END.*/, "").trim() + "\n" + body }),
      "certificate is damaged: copy the whole file",
    ],
    [
      "an endless certificate",
      () => ({ certificate: "A".repeat(300_000) }),
      "certificate is longer than 262144 characters",
    ],
    [
      "a certificate for a key",
      () => ({ privateKey: leaf.certificate }),
      `privateKey is a certificate: ${neededKey}`,
    ],
    [
      "two keys",
      () => ({ privateKey: leaf.privateKey + authority.privateKey }),
      "privateKey holds more than one PEM: give the private key alone",
    ],
    [
      "a key in OpenSSH form",
      () => ({ privateKey: ed25519KeyPair().private }),
      'privateKey is in OpenSSH form, which TLS does not know: "ssh-keygen -p -m PKCS8 -f FILE" writes it in another',
    ],
    ["an encrypted key", () => ({ privateKey: encryptedKey() }), isEncrypted],
    [
      "a damaged key",
      () => ({ privateKey: body.replaceAll("CERTIFICATE", "PRIVATE KEY") }),
      "privateKey is damaged: copy the whole file, from -----BEGIN to -----END",
    ],
    [
      "the key of another",
      () => ({ privateKey: authority.privateKey }),
      "privateKey is not the key of certificate",
    ],
    [
      "a chain in another order",
      () => ({ certificate: authority.certificate.trim() + "\n" + leaf.certificate }),
      "certificate does not begin with the server's own certificate, whose key privateKey is, but has it as number 2: put it first, then those of the authorities",
    ],
  ];
  for (const [name, args, problem] of cases) {
    test(`refuses ${name}: ${problem}`, () => {
      const { certificate, privateKey } = leaf;
      assert.equal(
        problemOf(() => resolveCertificate({ certificate, privateKey, ...args() })),
        problem,
      );
    });
  }

  test("refuses what the host would refuse, by its own check", async () => {
    const { certificate, privateKey } = await pemIdentity("CN=weak", { bits: 512 });
    assert.match(
      problemOf(() => resolveCertificate({ certificate, privateKey })),
      /^privateKey is an RSA key of 512 bits, which is too short; give one of RSA with 2048 bits or more/,
    );
  });

  test("tells the problems of both at once", () => {
    const problems = problemsOf(() => resolveCertificate({ certificate: "a b", privateKey: "c d" }));
    assert.deepEqual(
      problems.map((problem) => problem.split(" ")[0]),
      ["certificate", "privateKey"],
    );
  });

  test("gives a certificate or an ArgumentError, whatever is given", () => {
    const value = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.string());
    fc.assert(
      fc.property(value, value, fc.boolean(), (certificate, privateKey, withChain) => {
        try {
          resolveCertificate({ certificate: withChain ? chain() : certificate, privateKey });
        } catch (error) {
          assert.ok(error instanceof ArgumentError, String(error));
        }
      }),
    );
  });
});
