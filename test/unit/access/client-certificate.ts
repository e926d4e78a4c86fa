import "reflect-metadata";
import { createPrivateKey, sign, webcrypto } from "node:crypto";
import { BasicConstraintsExtension, X509CertificateGenerator, type X509Certificate } from "@peculiar/x509";

/** A certificate (DER) and what makes use of its key. */
export interface Identity {
  readonly certificate: Uint8Array;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly x509: X509Certificate;
  /** RSA, PKCS #1 v1.5, over the SHA-1 of the challenge: what a client sends. */
  sign(random: Uint8Array): Promise<Uint8Array>;
}

export interface IdentityOptions {
  readonly name?: string;
  readonly serial?: string;
  readonly issuer?: Identity;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly algorithm?: "rsa" | "ec";
  readonly bits?: number;
  /** It may sign others. */
  readonly ca?: boolean;
}

const ec = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Makes a certificate, self-signed unless it has an issuer. */
export async function identity(options: IdentityOptions = {}): Promise<Identity> {
  const { name = "CN=alice", serial = "01", issuer, bits = 1024 } = options;
  const rsa = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: bits,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const algorithm = options.algorithm === "ec" ? ec : rsa;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const x509 = await X509CertificateGenerator.create(
    {
      subject: name,
      issuer: issuer?.x509.subject ?? name,
      serialNumber: serial,
      notBefore: options.notBefore ?? new Date("2026-01-01T00:00:00Z"),
      notAfter: options.notAfter ?? new Date("2027-01-01T00:00:00Z"),
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: issuer === undefined ? algorithm : signingAlgorithmOf(issuer),
      extensions: options.ca === true ? [new BasicConstraintsExtension(true, undefined, true)] : [],
    },
    webcrypto,
  );
  return {
    certificate: new Uint8Array(x509.rawData),
    keys,
    x509,
    sign: async (random) => {
      const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
      return new Uint8Array(sign("sha1", random, createPrivateKey({ key, format: "der", type: "pkcs8" })));
    },
  };
}

function signingAlgorithmOf({ keys }: Identity) {
  return keys.privateKey.algorithm.name === ec.name ? ec : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
}
