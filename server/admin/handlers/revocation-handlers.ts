import { hash } from "node:crypto";
import type { HubSettings } from "../../settings/hub-settings.ts";
import {
  digestBytes,
  subjectParts,
  type RevokedCertificate,
  type SubjectPart,
} from "../../settings/revoked-certificate.ts";
import { mapped } from "../../turns.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { RpcError, type RequestOf } from "../rpc.ts";
import { accountLimits } from "./account-limits.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { boundedText } from "./given-texts.ts";

const mostSerialBytes = 128;

/** The certificates that a hub does not take any more. The key of an entry is made of what it says, so that it stays the same. */
export function createRevocationHandlers(administration: Administration): RpcHandlers {
  const { settings } = administration;
  return {
    *EnumCrl({ HubName }) {
      const { revokedCertificates } = findHub(settings(), HubName);
      const CRLList = yield* mapped(revokedCertificates, (revoked) => ({
        Key: keyOf(revoked),
        CrlInfo: describe(revoked),
      }));
      return { CRLList };
    },
    AddCrl: async (request) => {
      const revoked = revokedFrom(request);
      await updateHub(administration, request.HubName, (hub) => {
        if (hub.revokedCertificates.length >= accountLimits.revokedCertificates) {
          throw new RpcError("tooManyItems");
        }
        return { ...hub, revokedCertificates: [...hub.revokedCertificates, revoked] };
      });
      return {};
    },
    GetCrl: ({ HubName, Key }) => {
      const { revokedCertificates } = findHub(settings(), HubName);
      const { subject, serial, md5, sha1 } =
        revokedCertificates[indexOf(revokedCertificates, Key)] ?? nothing;
      return {
        ...subject,
        Serial: Buffer.from(serial),
        DigestMD5: Buffer.from(md5),
        DigestSHA1: Buffer.from(sha1),
      };
    },
    SetCrl: async (request) => {
      const revoked = revokedFrom(request);
      await updateHub(administration, request.HubName, (hub) => withEntry(hub, request.Key, [revoked]));
      return {};
    },
    DelCrl: async ({ HubName, Key }) => {
      await updateHub(administration, HubName, (hub) => withEntry(hub, Key, []));
      return {};
    },
  };
}

const noSubject = Object.fromEntries(subjectParts.map((part) => [part, ""])) as Record<SubjectPart, string>;
const nothing: RevokedCertificate = {
  subject: noSubject,
  serial: new Uint8Array(),
  md5: new Uint8Array(),
  sha1: new Uint8Array(),
};

function withEntry(hub: HubSettings, key: number, entries: readonly RevokedCertificate[]): HubSettings {
  const index = indexOf(hub.revokedCertificates, key);
  return { ...hub, revokedCertificates: hub.revokedCertificates.toSpliced(index, 1, ...entries) };
}

/** @throws {RpcError} notFound */
function indexOf(revoked: readonly RevokedCertificate[], key: number): number {
  const index = revoked.findIndex((each) => keyOf(each) === key);
  if (index === -1) throw new RpcError("notFound");
  return index;
}

/** @throws {RpcError} invalidParameter for a digest of another size, without which more would be revoked */
function revokedFrom(request: RequestOf<typeof rpcs.AddCrl>): RevokedCertificate {
  const { Serial, DigestMD5, DigestSHA1 } = request;
  const isDigest = (bytes: Buffer, size: number) => bytes.length === 0 || bytes.length === size;
  if (!isDigest(DigestMD5, digestBytes.md5) || !isDigest(DigestSHA1, digestBytes.sha1)) {
    throw new RpcError("invalidParameter", "a digest is of the wrong size");
  }
  if (Serial.length > mostSerialBytes)
    throw new RpcError("invalidParameter", "the serial number is too long");
  const said = (digest: Buffer) => Uint8Array.from(digest.every((byte) => byte === 0) ? [] : digest);
  return {
    subject: Object.fromEntries(subjectParts.map((part) => [part, boundedText(request[part])])) as Record<
      SubjectPart,
      string
    >,
    serial: Uint8Array.from(Serial),
    md5: said(DigestMD5),
    sha1: said(DigestSHA1),
  };
}

/** As the official server describes it (`Cedar/Hub.c` GenerateCrlStr). */
function describe({ subject, serial, md5, sha1 }: RevokedCertificate): string {
  const hex = (name: string, bytes: Uint8Array) =>
    bytes.length === 0
      ? []
      : [
          `${name}="${Buffer.from(bytes)
            .toString("hex")
            .toUpperCase()
            .replace(/..(?=.)/g, "$& ")}"`,
        ];
  const parts = subjectLabels.filter(([part]) => subject[part] !== "");
  return [
    `Subject="${parts.map(([part, label]) => `${label}=${subject[part]}`).join(", ")}"`,
    ...hex("Serial", serial),
    ...hex("MD5", md5),
    ...hex("SHA1", sha1),
  ].join(", ");
}

const subjectLabels: readonly (readonly [SubjectPart, string])[] = [
  ["CommonName", "CN"],
  ["Organization", "O"],
  ["Unit", "OU"],
  ["Country", "C"],
  ["State", "ST"],
  ["Local", "L"],
];

/** Of entries that were looked at: a hub has thousands, and each change looks for one. */
const keys = new WeakMap<RevokedCertificate, number>();

function keyOf(revoked: RevokedCertificate): number {
  const known = keys.get(revoked) ?? makeKey(revoked);
  keys.set(revoked, known);
  return known;
}

function makeKey({ subject, serial, md5, sha1 }: RevokedCertificate): number {
  const text = JSON.stringify([
    subjectParts.map((part) => subject[part]),
    ...[serial, md5, sha1].map((bytes) => Buffer.from(bytes).toString("hex")),
  ]);
  return Number.parseInt(hash("sha256", text).slice(0, 8), 16) || 1;
}
