import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign, type X509Certificate } from "node:crypto";
import { test } from "node:test";
import { LoginCertificate } from "../../../../server/access/certificate-login.ts";
import { verifyChallenge } from "../../../../server/protocols/softether/login-proof.ts";

function bigOf(text = ""): bigint {
  return BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);
}

function textOf(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
}

test("a key whose exponent makes signatures costly proves nothing, though they are right", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const { n = "", e = "", p, q } = privateKey.export({ format: "jwk" });
  // By Fermat, an exponent that is larger by a multiple of this takes the same signatures.
  const period = (bigOf(p) - 1n) * (bigOf(q) - 1n);
  const challenge = Buffer.alloc(20, 7);
  const signature = sign("sha1", challenge, privateKey);
  const proves = (exponent: string) => {
    const publicKey = createPublicKey({ format: "jwk", key: { kty: "RSA", n, e: exponent } });
    const certificate = new LoginCertificate({ publicKey } as X509Certificate);
    return verifyChallenge(certificate, signature, challenge);
  };
  assert.equal(proves(e), true);
  assert.equal(proves(textOf(bigOf(e) + period)), false);
});
