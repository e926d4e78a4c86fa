import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;

/** A certificate for names of AWS, by an authority that only hosts of the lab trust. */
export interface ServiceCertificate {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export async function makeServiceCertificate(names: readonly string[]): Promise<ServiceCertificate> {
  const { subtle } = webcrypto;
  const generate = () => subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [authorityKeys, keys] = await Promise.all([generate(), generate()]);
  const validity = {
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
    signingAlgorithm: algorithm,
  };
  const authority = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity,
      serialNumber: "01",
      name: "CN=AWS of the test lab",
      keys: authorityKeys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  );
  const certificate = await X509CertificateGenerator.create(
    {
      ...validity,
      serialNumber: "02",
      subject: `CN=${names[0]}`,
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false),
        new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
      ],
    },
    webcrypto,
  );
  const key = await subtle.exportKey("pkcs8", keys.privateKey);
  return {
    authorityPem: `${authority.toString("pem")}\n`,
    certificatePem: `${certificate.toString("pem")}\n`,
    keyPem: `${PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}
