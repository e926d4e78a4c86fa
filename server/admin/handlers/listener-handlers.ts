import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { getCiphers } from "node:tls";
import { ServerError } from "../../errors.ts";
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
      const pem = [Cert, ...Chain].map(certificateToPem).join("");
      const key = keyFromDer(Key);
      if (key.asymmetricKeyType !== "rsa") throw new RpcError("certificateNotRsa");
      await certificate.replace(pem, key.export({ format: "pem", type: "pkcs8" }) as string).catch(refuse);
      return { Cert: Buffer.alloc(0), Chain: [], Flag1: 1 };
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
  try {
    return new X509Certificate(der);
  } catch {
    throw new RpcError("invalidParameter", "this is no certificate");
  }
}

function certificateToPem(der: Buffer): string {
  return certificateFromDer(der).toString();
}

/** In the form that the official programs read: PKCS #1 for RSA. */
function keyToDer(key: KeyObject): Buffer {
  return key.export({ format: "der", type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "pkcs8" });
}

function keyFromDer(der: Buffer): KeyObject {
  for (const type of ["pkcs1", "pkcs8"] as const) {
    try {
      return createPrivateKey({ key: der, format: "der", type });
    } catch {
      // The other form, or none.
    }
  }
  throw new RpcError("invalidParameter", "this is no private key");
}

function refuse(error: unknown): never {
  if (error instanceof ServerError && error.code === "USAGE") {
    throw new RpcError("invalidParameter", error.message);
  }
  throw error;
}
