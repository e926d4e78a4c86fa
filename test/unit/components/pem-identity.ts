import { certificateOf, pemOf } from "../identity/make-certificate.ts";

/** A certificate of many years with its key, in PEM; of RSA unless it says otherwise, as users have it. */
export interface PemIdentity {
  readonly certificate: string;
  readonly certificateDer: Buffer;
  readonly privateKey: string;
}

export async function pemIdentity(
  name: string,
  options: { readonly algorithm?: "rsa" | "ec"; readonly bits?: number } = {},
): Promise<PemIdentity> {
  const made = await certificateOf(name, { algorithm: "rsa", ...options });
  return {
    certificate: made.x509.toString("pem"),
    certificateDer: Buffer.from(made.x509.rawData),
    privateKey: (await pemOf(made)).keyPem,
  };
}
