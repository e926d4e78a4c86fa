import assert from "node:assert/strict";
import fc from "fast-check";
import type { AccessEndpoint, AccessRule } from "../../../server/settings/access-rule.ts";
import {
  defaultHubOptions,
  logTurnovers,
  packetLogKinds,
  type Authentication,
  type GroupSettings,
  type HubLogSettings,
  type HubOptions,
  type HubSettings,
  type UserSettings,
} from "../../../server/settings/hub-settings.ts";
import { parseIpv6Network } from "../../../server/ethernet/ip-network.ts";
import { maskOf } from "../../../server/ethernet/ipv4-network.ts";
import { secureNatRanges } from "../../../server/settings/secure-nat-settings.ts";
import { adminOptionNames, type AdminOptions } from "../../../server/settings/admin-options.ts";
import { defaultKeptOptions, type KeptOptions } from "../../../server/settings/kept-options.ts";
import {
  subjectParts,
  type RevokedCertificate,
  type SubjectPart,
} from "../../../server/settings/revoked-certificate.ts";
import { inOrderOfPriority, type SourceAddressRule } from "../../../server/settings/source-address-rule.ts";
import { defaultPolicy, policyNames, policyRanges, type Policy } from "../../../server/settings/policy.ts";
import { anyCharacter } from "../any-character.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint = fc.nat({ max: 0xffff_ffff });
const openNetwork = fc.oneof(
  fc.tuple(uint, fc.nat({ max: 32 })).map(([address, prefix]) => {
    const mask = maskOf(prefix) ?? 0;
    return { network: (address & mask) >>> 0, mask };
  }),
  fc
    .tuple(fc.ipV6(), fc.nat({ max: 128 }))
    .map(([address, prefix]) => parseIpv6Network(`${address}/${prefix}`) ?? assert.fail(address)),
);
/** Names in the file are words; what is escaped in them is tried here as well. */
const name = fc
  .string({ unit: anyCharacter, minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes("\0"));
const ranged = (name: keyof typeof secureNatRanges) =>
  fc.integer({ min: secureNatRanges[name][0], max: secureNatRanges[name][1] });
const text = fc.string({ unit: anyCharacter, maxLength: 20 });
/** What the file can hold: whole milliseconds after the protocol's epoch. */
const time = fc.integer({ min: 32_400_001, max: 4_000_000_000_000 });
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const policy = record<Policy>(
  Object.fromEntries(
    policyNames.map((each) => {
      const range = policyRanges.get(each);
      if (range === undefined) return [each, fc.boolean()];
      const limit = fc.integer({ min: range.least, max: range.most });
      return [each, range.zero ? fc.oneof(fc.constant(0), limit) : limit];
    }),
  ) as unknown as { [K in keyof Policy]: fc.Arbitrary<Policy[K]> },
).map((value) => ({ ...defaultPolicy, ...value }));

const authentication: fc.Arbitrary<Authentication> = fc.oneof(
  record({ type: fc.constant("anonymous" as const) }),
  record({ type: fc.constant("password" as const), hashedKey: bytes(20), ntLmHash: bytes(16) }),
  record({ type: fc.constant("certificate" as const), certificate: fc.uint8Array({ maxLength: 40 }) }),
  record({
    type: fc.constant("signed-certificate" as const),
    commonName: text,
    serial: fc.uint8Array({ maxLength: 20 }),
  }),
  record({ type: fc.constant("radius" as const), name: text }),
  record({ type: fc.constant("nt-domain" as const), name: text }),
);

const user = record<UserSettings>({
  name,
  realName: text,
  note: text,
  group: fc.option(name, { nil: undefined }),
  authentication,
  expiresAt: fc.option(time, { nil: undefined }),
  policy: fc.option(policy, { nil: undefined }),
  createdAt: time,
  updatedAt: time,
});

const group = record<GroupSettings>({
  name,
  realName: text,
  note: text,
  policy: fc.option(policy, { nil: undefined }),
});

function endpoint(size: number): fc.Arbitrary<AccessEndpoint> {
  const network = record({ address: bytes(size), mask: bytes(size) }).filter(({ address, mask }) =>
    [...address, ...mask].some((byte) => byte !== 0),
  );
  const ports = fc
    .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
    .map(([one, other]) => ({ first: Math.min(one, other), last: Math.max(one, other) }));
  return record<AccessEndpoint>({
    network: fc.option(network, { nil: undefined }),
    mac: fc.option(record({ address: bytes(6), mask: bytes(6) }), { nil: undefined }),
    ports: fc.option(ports, { nil: undefined }),
    user: fc.option(name, { nil: undefined }),
  });
}

const rule: fc.Arbitrary<AccessRule> = fc.constantFrom("ipv4" as const, "ipv6" as const).chain((version) => {
  const side = endpoint(version === "ipv4" ? 4 : 16);
  return record<AccessRule>({
    priority: uint,
    active: fc.boolean(),
    note: text,
    action: fc.constantFrom("pass", "discard"),
    version: fc.constant(version),
    source: side,
    destination: side,
    protocol: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
    established: fc.option(fc.boolean(), { nil: undefined }),
    delayMs: fc.integer({ min: 0, max: 10_000 }),
    jitterPercent: fc.integer({ min: 0, max: 100 }),
    lossPercent: fc.integer({ min: 0, max: 100 }),
    redirectUrl: text,
  });
});

const options = record<HubOptions>(
  Object.fromEntries(
    Object.entries(defaultHubOptions).map(([each, value]) => [
      each,
      typeof value === "boolean" ? fc.boolean() : uint,
    ]),
  ) as unknown as { [K in keyof HubOptions]: fc.Arbitrary<HubOptions[K]> },
);

const keptOptions = record<KeptOptions>(
  Object.fromEntries(
    Object.entries(defaultKeptOptions).map(([each, value]) => [
      each,
      // Some of them stand for their default when they are 0.
      typeof value === "boolean" ? fc.boolean() : fc.integer({ min: 1, max: 0xffff_ffff }),
    ]),
  ) as unknown as { [K in keyof KeptOptions]: fc.Arbitrary<KeptOptions[K]> },
);

const adminOptions: fc.Arbitrary<AdminOptions> = fc.dictionary(
  fc.constantFrom(...adminOptionNames),
  fc.integer({ min: 1, max: 0xffff_ffff }),
  { noNullPrototype: true },
);

const digest = (size: number) => fc.oneof(fc.constant(new Uint8Array()), bytes(size));
const revoked = record<RevokedCertificate>({
  subject: record(
    Object.fromEntries(subjectParts.map((part) => [part, text])) as Record<SubjectPart, typeof text>,
  ),
  serial: fc.uint8Array({ maxLength: 20 }),
  md5: digest(16),
  sha1: digest(20),
});

const sourceAddress = fc.constantFrom(4, 16).chain((size) =>
  record<SourceAddressRule>({
    priority: uint,
    action: fc.constantFrom("allow", "deny"),
    address: bytes(size),
    mask: fc.option(bytes(size), { nil: undefined }),
  }),
);

const log = record<HubLogSettings>({
  securityLogTurnover: fc.constantFrom(...logTurnovers),
  packetLogTurnover: fc.constantFrom(...logTurnovers),
  saveSecurityLog: fc.boolean(),
  savePacketLog: fc.boolean(),
  packetLog: record(
    Object.fromEntries(packetLogKinds.map((kind) => [kind, fc.constantFrom(0, 1, 2)])) as unknown as {
      [K in keyof HubLogSettings["packetLog"]]: fc.Arbitrary<HubLogSettings["packetLog"][K]>;
    },
  ),
});

const byName = <T extends { readonly name: string }>(each: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(each, { maxLength: 4, selector: ({ name: key }) => key.toLowerCase() })
    .map((all): ReadonlyMap<string, T> => new Map(all.map((value) => [value.name.toLowerCase(), value])));

/** Any hub that the configuration can hold. */
export const hubSettings: fc.Arbitrary<HubSettings> = record<HubSettings>({
  name,
  online: fc.boolean(),
  maxSessions: uint,
  options,
  keptOptions,
  adminOptions,
  message: text,
  hashedPassword: bytes(20),
  securePassword: bytes(20),
  users: byName(user),
  groups: byName(group),
  accessList: fc
    .uniqueArray(rule, { maxLength: 4, selector: ({ priority }) => priority })
    .map((rules) => rules.sort((one, other) => one.priority - other.priority)),
  trustedAuthorities: fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 3 }),
  revokedCertificates: fc.array(revoked, { maxLength: 3 }),
  sourceAddresses: fc.array(sourceAddress, { maxLength: 4 }).map(inOrderOfPriority),
  log,
  secureNat: record({
    enabled: fc.boolean(),
    saveLog: fc.boolean(),
    host: record({ mac: bytes(6), address: uint, mask: uint }),
    nat: record({
      enabled: fc.boolean(),
      byKernel: fc.boolean(),
      bySockets: fc.boolean(),
      perClient: record({ tcp: uint, connecting: uint, udp: uint, dns: uint, ping: uint }),
      mtu: ranged("mtu"),
      tcpTimeoutSeconds: ranged("tcpTimeoutSeconds"),
      udpTimeoutSeconds: ranged("udpTimeoutSeconds"),
      openNetworks: fc.array(openNetwork, { maxLength: 3 }),
      ipv6: fc.boolean(),
    }),
    dhcp: record({
      enabled: fc.boolean(),
      first: uint,
      last: uint,
      mask: uint,
      leaseSeconds: ranged("leaseSeconds"),
      gateway: uint,
      nameServers: fc.tuple(uint, uint),
      domainName: text,
      pushRoutes: text,
    }),
  }),
});
