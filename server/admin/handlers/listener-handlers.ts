import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { getCiphers } from "node:tls";
import { checkIdentity, hasWholeChain, type IdentityProblem } from "../../identity/identity-check.ts";
import { ServerError } from "../../errors.ts";
import { costlyKeyProblem } from "../../settings/rsa-key.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { isPort } from "./server-handlers.ts";

/** Listeners, and what they show: certificate and ciphers. */
export function createListenerHandlers(administration: Administration): RpcHandlers {
  const { settings, update, certificate } = administration;
  return {
    CreateListener: async ({ Port, Enable }) => {
      if (!isPort(Port)) throw new RpcError("invalidParameter");
      await update((all) => {
        if (all.listeners.some(({ port }) => port === Port)) throw new RpcError("listenerExists");
        return { ...all, listeners: [...all.listeners, { port: Port, enabled: Enable }] };
      });
      return {};
    },
    EnumListener: () => {
      const statuses = new Map(administration.listeners().map((status) => [status.port, status]));
      return {
        ListenerList: settings().listeners.map(({ port, enabled }) => ({
          Ports: port,
          Enables: enabled,
          Errors: enabled && statuses.get(port)?.state !== "Listening",
        })),
      };
    },
    DeleteListener: async ({ Port }) => {
      await update((all) => {
        const listeners = all.listeners.filter(({ port }) => port !== Port);
        if (listeners.length === all.listeners.length) throw new RpcError("listenerNotFound");
        return { ...all, listeners };
      });
      return {};
    },
    EnableListener: async ({ Port, Enable }) => {
      await update((all) => {
        if (!all.listeners.some(({ port }) => port === Port)) throw new RpcError("listenerNotFound");
        return {
          ...all,
          listeners: all.listeners.map((each) => (each.port === Port ? { ...each, enabled: Enable } : each)),
        };
      });
      return {};
    },
    GetServerCert: (_request, { administrator }) => {
      const { certificatePem, keyPem } = certificate.current();
      return {
        Cert: new X509Certificate(certificatePem).raw,
        Key: administrator.type === "server" ? keyToDer(createPrivateKey(keyPem)) : Buffer.alloc(0),
      };
    },
    SetServerCert: async ({ Cert, Key, Chain }) => {
      const wanted = {
        certificatePem: [Cert, ...Chain].map(certificateToPem).join("\n"),
        keyPem: keyToPem(Key),
      };
      const { identity, problems } = checkIdentity(wanted);
      if (identity === undefined) throw refusalOf(problems);
      await certificate.replace(identity).catch(refuse);
      // With 0, vpncmd tells the administrator to bring the chain.
      return { Cert: Buffer.alloc(0), Chain: [], Flag1: hasWholeChain(certificate.current()) ? 1 : 0 };
    },
    RegenerateServerCert: async ({ StrValue }) => {
      if (StrValue === "") throw new RpcError("invalidParameter");
      await certificate.regenerate(StrValue);
      return {};
    },
    GetServerCipherList: () => ({ String: cipherNames().join(";") }),
    GetServerCipher: () => ({ String: settings().cipherName || ownChoice }),
    SetServerCipher: async ({ String: name }) => {
      const known = cipherNames().find((each) => each.toLowerCase() === name.toLowerCase());
      // The official server takes any name, and then nobody can connect.
      if (known === undefined) throw new RpcError("invalidParameter", `there is no cipher ${name}`);
      await update((all) => ({ ...all, cipherName: known === ownChoice ? "" : known }));
      return { String: known };
    },
  };
}

/** What stands for the choice of the server itself. */
const ownChoice = "~DEFAULT~";

/** Those that a TLS server of today offers, by OpenSSL's names. */
function cipherNames(): string[] {
  const ofTls12 = getCiphers()
    .map((name) => name.toUpperCase())
    .filter((name) => /^(ECDHE|DHE)-RSA-.*(GCM|CHACHA20)/.test(name));
  return [ownChoice, ...ofTls12];
}

/** @throws {RpcError} invalidParameter */
export function certificateFromDer(der: Buffer): X509Certificate {
  let certificate: X509Certificate;
  let problem: string | undefined;
  try {
    certificate = new X509Certificate(der);
    problem = costlyKeyProblem(certificate.publicKey);
  } catch {
    throw new RpcError("invalidParameter", "this is no certificate");
  }
  if (problem !== undefined) throw new RpcError("invalidParameter", problem);
  return certificate;
}

/** In PEM, whichever of the two forms it came in; with those that stand behind it. */
function certificateToPem(bytes: Buffer): string {
  if (isPem(bytes)) return bytes.toString("latin1");
  try {
    return new X509Certificate(bytes).toString();
  } catch {
    throw new RpcError("protocol", "this is no certificate");
  }
}

/** With the official server's error for what is no pair; it takes all else, and may not serve then. */
function refusalOf(problems: readonly IdentityProblem[]): RpcError {
  const told = problems.map(({ member, problem }) => `${member}: ${problem}`).join("; ");
  const kinds = problems.map(({ kind }) => kind);
  if (kinds.includes("no pair")) return new RpcError("protocol", told);
  return new RpcError(kinds.includes("kind of key") ? "certificateNotRsa" : "invalidParameter", told);
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes("-----BEGIN ");
}

/** In the form that the official programs read: PKCS #1 for RSA, SEC 1 for elliptic curves. */
function keyToDer(key: KeyObject): Buffer {
  const { asymmetricKeyType: type } = key;
  if (type === "rsa") return key.export({ format: "der", type: "pkcs1" });
  return key.export({ format: "der", type: type === "ec" ? "sec1" : "pkcs8" });
}

function keyToPem(bytes: Buffer): string {
  if (isPem(bytes)) return bytes.toString("latin1");
  for (const type of ["pkcs1", "pkcs8", "sec1"] as const) {
    try {
      const key = createPrivateKey({ key: bytes, format: "der", type });
      return key.export({ format: "pem", type: "pkcs8" }) as string;
    } catch {
      // Another form, or none.
    }
  }
  throw new RpcError("protocol", "this is no private key, or one with a passphrase");
}

function refuse(error: unknown): never {
  if (error instanceof ServerError && error.code === "USAGE") {
    throw new RpcError("invalidParameter", error.message);
  }
  throw error;
}
