import { createHash, generateKeyPair, randomBytes, sign, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

/** Certificate and key in PEM, in one text. */
export type IdentityText = string;

/** X.520 ends common names here. */
const longestName = 64;

/**
 * Makes a key and a self-signed certificate like those that a server makes for itself: RSA with 2,048 bits, valid to the end of 2037.
 *
 * It is encoded here because Node.js makes no certificates, and what does is as large as the rest of this package. Layout: RFC 5280.
 *
 * @param commonName whom it is about; clients know it by its bytes, not by its name
 */
export async function makeSelfSigned(commonName: string): Promise<IdentityText> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const tbs = toBeSigned(commonName, publicKey);
  const certificate = sequence(tbs, signatureAlgorithm, bitString(sign("sha256", tbs, privateKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  const pem = ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
  return pem + (privateKey.export({ format: "pem", type: "pkcs8" }) as string);
}

/** The two of a text that {@link makeSelfSigned} made. */
export function splitIdentity(text: IdentityText): { certificate: string; privateKey: string } {
  const at = text.indexOf("-----BEGIN PRIVATE KEY-----");
  return { certificate: text.slice(0, at), privateKey: text.slice(at) };
}

function toBeSigned(commonName: string, publicKey: KeyObject): Buffer {
  // Positive, of 127 bits, the first of them set.
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const name = sequence(set(sequence(oid.commonName, tagged(0x0c, Buffer.from(shortened(commonName))))));
  const now = new Date();
  return sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, serial),
    signatureAlgorithm,
    name,
    sequence(time(now), time(new Date("2037-12-31T23:59:59Z"))),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    tagged(0xa3, sequence(...extensions(publicKey))),
  );
}

function extensions(publicKey: KeyObject): Buffer[] {
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const rsaKey = sequence(unsigned(n), unsigned(e));
  const critical = tagged(0x01, Buffer.from([0xff]));
  return [
    sequence(oid.basicConstraints, critical, octets(sequence(critical))), // an authority
    // digitalSignature, keyEncipherment, keyCertSign, cRLSign
    sequence(oid.keyUsage, critical, octets(tagged(0x03, Buffer.from([1, 0b1010_0110])))),
    sequence(oid.extendedKeyUsage, octets(sequence(oid.serverAuth, oid.clientAuth))),
    sequence(oid.subjectKeyIdentifier, octets(octets(createHash("sha1").update(rsaKey).digest()))),
  ];
}

const oid = {
  commonName: objectId("550403"),
  basicConstraints: objectId("551d13"),
  keyUsage: objectId("551d0f"),
  extendedKeyUsage: objectId("551d25"),
  subjectKeyIdentifier: objectId("551d0e"),
  serverAuth: objectId("2b06010505070301"),
  clientAuth: objectId("2b06010505070302"),
  sha256WithRsa: objectId("2a864886f70d01010b"),
};

const signatureAlgorithm = sequence(oid.sha256WithRsa, tagged(0x05, Buffer.alloc(0)));

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

/** UTCTime to 2049, as RFC 5280 wants it. */
function time(date: Date): Buffer {
  return tagged(0x17, Buffer.from(`${date.toISOString().replace(/\D/g, "").slice(2, 14)}Z`));
}

/** A number that a JSON web key holds. */
function unsigned(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, "base64url");
  return tagged(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.alloc(1), bytes]));
}

function octets(bytes: Buffer): Buffer {
  return tagged(0x04, bytes);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

/** Whole characters, no more than X.520 takes. */
function shortened(name: string): string {
  return [...name].slice(0, longestName).join("");
}
