import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { createSecureContext } from "node:tls";
import { makeSelfSigned, splitIdentity } from "../../../../../components/aws/fleet/self-signed.ts";
import { checkIdentity, timeProblem } from "../../../../../server/identity/identity-check.ts";

describe("a certificate that is made for a fleet", () => {
  test("is one that the server takes, with its key, to the end of 2037", async () => {
    const { certificate, privateKey } = splitIdentity(await makeSelfSigned("exit"));
    assert.deepEqual(checkIdentity({ certificatePem: certificate, keyPem: privateKey }).problems, []);
    assert.equal(timeProblem({ certificatePem: certificate }, Date.now()), undefined);
    createSecureContext({ cert: certificate, key: privateKey });
    const parsed = new X509Certificate(certificate);
    assert.ok(parsed.checkPrivateKey(createPrivateKey(privateKey)));
    assert.ok(parsed.verify(parsed.publicKey));
    assert.deepEqual(
      [
        parsed.subject,
        parsed.issuer,
        parsed.ca,
        parsed.validTo,
        parsed.publicKey.asymmetricKeyDetails?.modulusLength,
      ],
      ["CN=exit", "CN=exit", true, "Dec 31 23:59:59 2037 GMT", 2048],
    );
    assert.deepEqual(parsed.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assert.match(parsed.serialNumber, /^[4-7][0-9A-F]{31}$/);
  });

  test("is about a name of any length, and another one each time", async () => {
    const texts = await Promise.all(["ü".repeat(300), "ü".repeat(300)].map(makeSelfSigned));
    const certificates = texts.map((text) => new X509Certificate(splitIdentity(text).certificate));
    for (const { subject } of certificates) assert.equal(subject, `CN=${"ü".repeat(64)}`);
    assert.notEqual(certificates[0]?.serialNumber, certificates[1]?.serialNumber);
    assert.notEqual(certificates[0]?.fingerprint256, certificates[1]?.fingerprint256);
  });
});
