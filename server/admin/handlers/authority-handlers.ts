import { hash, X509Certificate } from "node:crypto";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { accountLimits } from "./account-limits.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { certificateFromDer } from "./listener-handlers.ts";

/** The authorities that a hub trusts. A certificate's key is made of its SHA-256, so that it stays the same. */
export function createAuthorityHandlers(administration: Administration): RpcHandlers {
  const { settings } = administration;
  return {
    AddCa: async ({ HubName, Cert }) => {
      const { raw } = certificateFromDer(Cert);
      await updateHub(administration, HubName, (hub) => {
        const { trustedAuthorities } = hub;
        if (trustedAuthorities.some((each) => raw.equals(each))) return hub;
        if (trustedAuthorities.length >= accountLimits.trustedAuthorities) {
          throw new RpcError("tooManyItems");
        }
        return { ...hub, trustedAuthorities: [...trustedAuthorities, Uint8Array.from(raw)] };
      });
      return {};
    },
    *EnumCa({ HubName }) {
      const CAList = [];
      for (const der of findHub(settings(), HubName).trustedAuthorities) {
        yield;
        const certificate = new X509Certificate(der);
        CAList.push({
          Key: keyOf(der),
          SubjectName: displayName(certificate.subject),
          IssuerName: displayName(certificate.issuer),
          Expires: Date.parse(certificate.validTo),
        });
      }
      return { CAList };
    },
    GetCa: ({ HubName, Key }) => {
      const found = findHub(settings(), HubName).trustedAuthorities.find((der) => keyOf(der) === Key);
      if (found === undefined) throw new RpcError("notFound");
      return { Cert: Buffer.from(found) };
    },
    DeleteCa: async ({ HubName, Key }) => {
      await updateHub(administration, HubName, (hub) => {
        const trustedAuthorities = hub.trustedAuthorities.filter((der) => keyOf(der) !== Key);
        if (trustedAuthorities.length === hub.trustedAuthorities.length) throw new RpcError("notFound");
        return { ...hub, trustedAuthorities };
      });
      return {};
    },
  };
}

function keyOf(der: Uint8Array): number {
  return Number.parseInt(hash("sha256", der).slice(0, 8), 16) || 1;
}

/** The values of a name's parts in one line; the runtime gives a line `CN=value` for each part. */
function displayName(name: string): string {
  return name
    .split("\n")
    .map((part) => part.slice(part.indexOf("=") + 1))
    .join(", ");
}
