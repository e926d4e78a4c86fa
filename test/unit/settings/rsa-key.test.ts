import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, test } from "node:test";
import { costlyKeyProblem } from "../../../server/settings/rsa-key.ts";

/** An RSA key of any numbers: nothing is ever signed with it. */
function rsa(bits: number, exponent: bigint): KeyObject {
  const modulus = Buffer.alloc(bits / 8, 0xc5);
  const hex = exponent.toString(16);
  const e = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
  return createPublicKey({ key: { kty: "RSA", n: modulus.toString("base64url"), e }, format: "jwk" });
}

describe("a key that somebody hands in", () => {
  for (const [bits, exponent, expected] of [
    [1024, 3n, undefined],
    [4096, 65537n, undefined],
    [8192, 65537n, undefined],
    [2048, (1n << 64n) - 1n, undefined],
    [2048, (1n << 64n) + 1n, /exponent/],
    [3072, (1n << 3071n) + 1n, /exponent/],
    [512, 65537n, /512 bits/],
    [16_384, 65537n, /16384 bits/],
  ] as const) {
    test(`of ${bits} bits with an exponent of ${exponent.toString(2).length} is ${expected ? "refused" : "taken"}`, () => {
      const problem = costlyKeyProblem(rsa(bits, exponent));
      if (expected === undefined) assert.equal(problem, undefined);
      else assert.match(problem ?? "", expected);
    });
  }

  test("of a curve with a name is taken, and one whose parameters come with it is not", () => {
    for (const kind of ["ed25519", "ed448"] as const) {
      assert.equal(costlyKeyProblem(generateKeyPairSync(kind as "ed25519").publicKey), undefined);
    }
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    assert.equal(costlyKeyProblem(ec), undefined);
    assert.equal(
      costlyKeyProblem({ asymmetricKeyType: "ec", asymmetricKeyDetails: {} } as KeyObject)?.includes("kind"),
      true,
    );
    const dsa = generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).publicKey;
    assert.match(costlyKeyProblem(dsa) ?? "", /kind/);
  });
});
