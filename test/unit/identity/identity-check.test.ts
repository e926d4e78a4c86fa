import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import {
  checkIdentity,
  hasWholeChain,
  timeProblem,
  withSigners,
} from "../../../server/identity/identity-check.ts";
import type { IdentityPem } from "../../../server/identity/identity-check.ts";
import type { Identity } from "../access/client-certificate.ts";
import { certificateOf, pemOf, serverIdentity } from "./make-certificate.ts";

let root: Identity;
let intermediate: Identity;
let leaf: Identity;
let whole: IdentityPem;
let withRoot: IdentityPem;
before(async () => {
  root = await certificateOf("CN=root", { ca: true });
  intermediate = await certificateOf("CN=intermediate", { issuer: root, serial: "02", ca: true });
  leaf = await certificateOf("CN=vpn.example.org", { issuer: intermediate, serial: "03", algorithm: "rsa" });
  whole = await pemOf(leaf, intermediate);
  withRoot = await pemOf(leaf, intermediate, root);
});

/** What is wrong, each with its member. */
const problemsOf = (identity: IdentityPem) =>
  checkIdentity(identity).problems.map(({ member, problem }) => `${member} ${problem}`);
const pem = ({ x509 }: Identity) => x509.toString("pem");

describe("an identity that can serve", () => {
  test("is a certificate alone, with its chain, or with the root as well", async () => {
    for (const each of [whole, withRoot, await serverIdentity("CN=self-signed"), await pemOf(leaf)]) {
      assert.deepEqual(problemsOf(each), []);
    }
  });

  test("has a key of RSA or of an elliptic curve", async () => {
    const ec = await serverIdentity("CN=ec", { algorithm: "ec" });
    assert.deepEqual(problemsOf(ec), []);
    assert.doesNotThrow(() => createSecureContext({ cert: ec.certificatePem, key: ec.keyPem }));
  });

  test("may have its key in any form of PEM, and comes out in one", () => {
    const key = createPrivateKey(whole.keyPem);
    const pkcs1 = key.export({ format: "pem", type: "pkcs1" }) as string;
    const { identity } = checkIdentity({ ...whole, keyPem: pkcs1 });
    assert.equal(identity?.keyPem, key.export({ format: "pem", type: "pkcs8" }));
  });

  test("may have text around its certificates, which is left out, and other line ends", () => {
    const noisy = whole.certificatePem.replaceAll("-----BEGIN", "subject=CN = x\nissuer=y\n-----BEGIN");
    for (const certificatePem of [noisy, noisy.replaceAll("\n", "\r\n")]) {
      const { identity } = checkIdentity({ ...whole, certificatePem });
      const blocks = [leaf, intermediate].map(({ certificate }) =>
        new X509Certificate(certificate).toString(),
      );
      assert.equal(identity?.certificatePem, blocks.join(""));
    }
  });
});

describe("an identity that cannot serve", () => {
  test("is told what is wrong with its certificates", async () => {
    const other = await certificateOf("CN=other");
    const cases: [string, RegExp][] = [
      ["", /^certificate is no certificate in PEM/],
      ["garbage", /^certificate is no certificate in PEM/],
      [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        /in place 1 a certificate that cannot be read/,
      ],
      [`${pem(leaf)}\n-----BEGIN CERTIFICATE-----\nAAAA`, /holds something in PEM that is no certificate/],
      [pem(leaf) + whole.keyPem, /holds a private key, which belongs elsewhere/],
      [pem(intermediate) + pem(leaf), /has the certificate of the private key in place 2; it comes first/],
      [pem(leaf) + pem(root), /in place 2 a certificate that did not sign the one before it/],
      [pem(leaf) + pem(root) + pem(intermediate), /in place 2 .* did not sign/],
      [pem(leaf) + pem(intermediate) + pem(other), /in place 3 .* did not sign/],
      [pem(leaf) + pem(leaf), /has the same certificate in place 2/],
      [pem(leaf) + pem(intermediate).repeat(11), /holds more than 10 certificates/],
      ["x".repeat(200_000), /is longer than 131072 characters/],
    ];
    for (const [certificatePem, expected] of cases) {
      assert.match(problemsOf({ ...whole, certificatePem }).join("\n"), expected);
      assert.equal(checkIdentity({ ...whole, certificatePem }).identity, undefined);
    }
  });

  test("is one with a signer that may not sign", async () => {
    const noAuthority = await certificateOf("CN=user", { issuer: root });
    const chained = await pemOf(await certificateOf("CN=x", { issuer: noAuthority }), noAuthority);
    assert.match(problemsOf(chained).join(), /in place 2 a certificate that may not sign others/);
  });

  test("is told what is wrong with its key", async () => {
    const key = createPrivateKey(whole.keyPem);
    const encrypted = { format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
    const pkcs8 = (pair: {
      privateKey: { export: (options: { format: "pem"; type: "pkcs8" }) => unknown };
    }) => pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
    const cases: [string, RegExp][] = [
      ["", /^privateKey is no private key in PEM/],
      [whole.certificatePem, /^privateKey is no private key in PEM/],
      [
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        /is a private key in PEM that cannot be read/,
      ],
      [key.export({ ...encrypted, type: "pkcs8" }) as string, /is encrypted; give it without a passphrase/],
      [key.export({ ...encrypted, type: "pkcs1" }) as string, /is encrypted; give it without a passphrase/],
      [(await serverIdentity("CN=other")).keyPem, /^privateKey is not the key of the certificate$/],
      ["x".repeat(200_000), /is longer than 131072 characters/],
      [
        pkcs8(generateKeyPairSync("rsa", { modulusLength: 1024 })),
        /RSA key of 1024 bits, which is too short/,
      ],
      [pkcs8(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 })), /is of the kind dsa/],
      [pkcs8(generateKeyPairSync("ed25519")), /is of the kind ed25519/],
      [pkcs8(generateKeyPairSync("ec", { namedCurve: "secp256k1" })), /is of the curve secp256k1/],
    ];
    for (const [keyPem, expected] of cases) {
      assert.match(problemsOf({ ...whole, keyPem }).join("\n"), expected);
    }
  });

  test("is one whose key TLS refuses, or with such a key in its chain", async () => {
    const short = await serverIdentity("CN=short", { bits: 1024 });
    assert.deepEqual(
      checkIdentity(short).problems.map(({ kind }) => kind),
      ["kind of key"],
    );
    assert.throws(
      () => createSecureContext({ cert: short.certificatePem, key: short.keyPem }),
      /key too small/,
    );
    const weak = await certificateOf("CN=weak", { bits: 1024, ca: true });
    const signed = await pemOf(await certificateOf("CN=signed", { issuer: weak }), weak);
    assert.match(problemsOf(signed).join(), /in place 2 a certificate with a key that is too short/);
  });

  test("tells nothing of the key, whatever it is given", () => {
    const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
    const around = fc.constantFrom("", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----\n");
    fc.assert(
      fc.property(around, fc.string(), (before, after) => {
        const text = `${before}${secret}${after}`;
        const told = problemsOf({ certificatePem: text, keyPem: text });
        assert.ok(told.length > 0);
        assert.ok(!told.join().includes(secret));
      }),
    );
  });
});

describe("the time of a certificate", () => {
  const [from, to] = [Date.parse("2026-01-01T00:00:00Z"), Date.parse("2026-02-01T00:00:00Z")];
  const hour = 60 * 60 * 1000;

  test("is over after its end, and has not come long before its begin", async () => {
    const short = await serverIdentity("CN=short", { notBefore: new Date(from), notAfter: new Date(to) });
    const at = (now: number) => timeProblem(short, now);
    assert.deepEqual([at(from), at(to), at(from - hour)], [undefined, undefined, undefined]);
    assert.match(at(to + 1) ?? "", /^expired at 2026-02-01T00:00:00.000Z; renew it$/);
    assert.match(at(from - 25 * hour) ?? "", /^is not valid before 2026-01-01/);
  });
});

describe("the chain of a certificate that came alone", () => {
  const others = () => [root, intermediate].map(({ certificate }) => new X509Certificate(certificate));

  test("is what is known of its signers, without the root", async () => {
    const alone = await pemOf(leaf);
    const completed = withSigners(alone.certificatePem, others());
    assert.deepEqual(problemsOf({ ...alone, certificatePem: completed }), []);
    assert.equal(completed.match(/BEGIN/g)?.length, 2);
    assert.deepEqual(
      [alone.certificatePem, completed, whole.certificatePem].map((certificatePem) =>
        hasWholeChain({ certificatePem }),
      ),
      [false, true, true],
    );
  });

  test("is left as it is where nobody of them signed it, or it needs none", async () => {
    const self = await serverIdentity("CN=self");
    const same = (one: string, other: string) =>
      assert.equal(new X509Certificate(one).fingerprint256, new X509Certificate(other).fingerprint256);
    const left = withSigners(self.certificatePem, others());
    same(left, self.certificatePem);
    assert.equal(left.match(/BEGIN/g)?.length, 1);
    assert.ok(hasWholeChain(self));
    assert.equal(withSigners("garbage", others()), "garbage");
    const untouched = withSigners(whole.certificatePem, others());
    assert.equal(untouched.match(/BEGIN/g)?.length, 2);
  });
});
