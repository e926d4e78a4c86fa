import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { checkDesiredState } from "../../server/desired/desired-state.ts";
import { ArgumentError } from "./argument-error.ts";
import { isLeftOut, kindProblems } from "./argument-kind.ts";
import { mistakenPem, normalPem, pemLabels } from "./pem.ts";

/** A certificate of one's own for the server, and its key. */
export interface ServerCertificate {
  /** PEM: the server's own certificate, then those of the authorities between it and the root. */
  readonly certificate: string;
  /** PEM without passphrase; a secret. */
  readonly privateKey: string;
}

/** A chain has a handful of certificates. */
const longestCharacters = 256 * 1024;

/**
 * Checks all that can be known of the server's own certificate before a host is dialled.
 *
 * @param paths of the two in messages; a stack's configuration has other names
 * @returns `undefined` when neither is given
 * @throws ArgumentError without a word of the key
 */
export function resolveCertificate(
  args: { readonly certificate?: unknown; readonly privateKey?: unknown },
  paths = { certificate: "certificate", privateKey: "privateKey" },
): ServerCertificate | undefined {
  const { certificate, privateKey } = args;
  if (isLeftOut(certificate) && isLeftOut(privateKey)) return undefined;
  if (isLeftOut(privateKey)) {
    throw new ArgumentError([
      `${paths.privateKey} is missing: ${paths.certificate} is of use only with its key`,
    ]);
  }
  if (isLeftOut(certificate)) {
    throw new ArgumentError([
      `${paths.certificate} is missing: ${paths.privateKey} is of use only with its certificate`,
    ]);
  }
  const problems = [
    ...kindProblems(paths.certificate, certificate, { type: "text", secret: true }),
    ...kindProblems(paths.privateKey, privateKey, { type: "text", secret: true }),
  ];
  if (problems.length > 0) throw new ArgumentError(problems);
  const chain = readChain(certificate as string);
  const key = readKey(privateKey as string);
  const read = [
    ...(typeof chain === "string" ? [`${paths.certificate} ${chain}`] : []),
    ...(typeof key === "string" ? [`${paths.privateKey} ${key}`] : []),
  ];
  if (typeof chain === "string" || typeof key === "string") throw new ArgumentError(read);
  const at = chain.findIndex((one) => one.checkPrivateKey(key));
  if (at === -1) throw new ArgumentError([`${paths.privateKey} is not the key of ${paths.certificate}`]);
  if (at > 0) {
    throw new ArgumentError([
      `${paths.certificate} does not begin with the server's own certificate, whose key ${paths.privateKey} is, ` +
        `but has it as number ${at + 1}: put it first, then those of the authorities`,
    ]);
  }
  const result = {
    certificate: normalPem(certificate as string),
    privateKey: normalPem(privateKey as string),
  };
  // What the host would refuse, by its own check.
  const refused = checkDesiredState({ ...result, hubs: [] }).problems.map((problem) =>
    problem.replace(/^certificate:/, paths.certificate).replace(/^privateKey:/, paths.privateKey),
  );
  if (refused.length > 0) throw new ArgumentError(refused);
  return result;
}

/** @returns what is wrong, if anything is */
function readChain(text: string): readonly X509Certificate[] | string {
  if (text.length > longestCharacters) return `is longer than ${longestCharacters} characters`;
  const mistaken = mistakenPem(text);
  if (mistaken !== undefined) return mistaken;
  const pem = normalPem(text);
  const labels = pemLabels(pem);
  const needed = 'a PEM is needed that begins with "-----BEGIN CERTIFICATE-----"';
  if (labels.length === 0) return `is no certificate: ${needed}`;
  if (labels.some((label) => label.endsWith("PRIVATE KEY"))) {
    return "holds a private key: give certificates alone, and the key as a secret of its own";
  }
  if (labels.some((label) => label !== "CERTIFICATE"))
    return `holds something besides certificates: ${needed}`;
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length !== labels.length) return "is damaged: copy the whole file";
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return `is damaged: ${blocks.length === 1 ? "it" : `its certificate number ${index + 1}`} cannot be read`;
    }
  }
  return certificates;
}

/** @returns what is wrong, if anything is */
function readKey(text: string): KeyObject | string {
  const mistaken = mistakenPem(text);
  if (mistaken !== undefined) return mistaken;
  const pem = normalPem(text);
  // "openssl ecparam -genkey" puts the parameters before the key.
  const [label, ...others] = pemLabels(pem).filter((label) => label !== "EC PARAMETERS");
  const needed = 'a PEM is needed that begins with "-----BEGIN PRIVATE KEY-----"';
  if (label === undefined) return `is no private key: ${needed}`;
  if (others.length > 0) return "holds more than one PEM: give the private key alone";
  if (label === "CERTIFICATE" || label.endsWith("PUBLIC KEY"))
    return `is a ${label.toLowerCase()}: ${needed}`;
  if (label === "OPENSSH PRIVATE KEY") {
    return 'is in OpenSSH form, which TLS does not know: "ssh-keygen -p -m PKCS8 -f FILE" writes it in another';
  }
  if (label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type: *4, *ENCRYPTED$/m.test(pem)) {
    return 'is encrypted: "openssl pkey -in FILE" prints it without passphrase';
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return "is damaged: copy the whole file, from -----BEGIN to -----END";
  }
}
