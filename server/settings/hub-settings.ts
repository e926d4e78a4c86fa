import type { Policy } from "./policy.ts";
import type { AccessRule } from "./access-rule.ts";
import type { AdminOptions } from "./admin-options.ts";
import type { KeptOptions } from "./kept-options.ts";
import type { SecureNatSettings } from "./secure-nat-settings.ts";
import type { RevokedCertificate } from "./revoked-certificate.ts";
import type { SourceAddressRule } from "./source-address-rule.ts";

/** A Virtual Hub as it is configured. Values are immutable: a change makes new settings, which the hub then takes. */
export interface HubSettings {
  /** 1..255 characters; told apart without regard to case. */
  readonly name: string;
  readonly online: boolean;
  /** Sessions at the same time; 0 is no limit. */
  readonly maxSessions: number;
  readonly options: HubOptions;
  readonly keptOptions: KeptOptions;
  /** What the hub and its administrator are held to. */
  readonly adminOptions: AdminOptions;
  /** Shown to a client that connects; empty for none. */
  readonly message: string;
  /** SHA-0 of the hub's administration password. */
  readonly hashedPassword: Uint8Array;
  /** SHA-0 of that password followed by `ADMINISTRATOR`: what a VPN login as `administrator` proves. */
  readonly securePassword: Uint8Array;
  /** By name in lower case. */
  readonly users: ReadonlyMap<string, UserSettings>;
  /** By name in lower case. */
  readonly groups: ReadonlyMap<string, GroupSettings>;
  /** In the order in which they are tried: ascending priority. */
  readonly accessList: readonly AccessRule[];
  /** Certificates (DER) of the authorities whose users may log in by certificate. */
  readonly trustedAuthorities: readonly Uint8Array[];
  /** Certificates that do not count any more. */
  readonly revokedCertificates: readonly RevokedCertificate[];
  /** From where clients may log in; in the order in which they are tried. */
  readonly sourceAddresses: readonly SourceAddressRule[];
  readonly log: HubLogSettings;
  readonly secureNat: SecureNatSettings;
}

/** The hub options that the hub acts upon, by their official names. */
export interface HubOptions {
  readonly NoEnum: boolean;
  readonly NoIpTable: boolean;
  readonly NoMacAddressLog: boolean;
  readonly ManageOnlyPrivateIP: boolean;
  readonly ManageOnlyLocalUnicastIPv6: boolean;
  readonly NoManageVlanId: boolean;
  readonly FilterPPPoE: boolean;
  readonly FilterOSPF: boolean;
  readonly FilterIPv4: boolean;
  readonly FilterIPv6: boolean;
  readonly FilterNonIP: boolean;
  readonly FilterBPDU: boolean;
  readonly NoIPv6DefaultRouterInRAWhenIPv6: boolean;
  readonly DropBroadcastsInPrivacyFilterMode: boolean;
  readonly DropArpInPrivacyFilterMode: boolean;
  readonly ApplyIPv4AccessListOnArpPacket: boolean;
  readonly BroadcastStormDetectionThreshold: number;
  readonly BroadcastLimiterStrictMode: boolean;
  readonly MaxLoggedPacketsPerMinute: number;
  readonly ClientMinimumRequiredBuild: number;
  readonly RequiredClientId: number;
  readonly NoDhcpPacketLogOutsideHub: boolean;
  readonly NoIPv4PacketLog: boolean;
  readonly NoIPv6PacketLog: boolean;
}

/** As in the configuration of a hub that was just created. */
export const defaultHubOptions: HubOptions = {
  NoEnum: false,
  NoIpTable: false,
  NoMacAddressLog: true,
  ManageOnlyPrivateIP: true,
  ManageOnlyLocalUnicastIPv6: true,
  NoManageVlanId: false,
  FilterPPPoE: false,
  FilterOSPF: false,
  FilterIPv4: false,
  FilterIPv6: false,
  FilterNonIP: false,
  FilterBPDU: false,
  NoIPv6DefaultRouterInRAWhenIPv6: true,
  DropBroadcastsInPrivacyFilterMode: true,
  DropArpInPrivacyFilterMode: true,
  ApplyIPv4AccessListOnArpPacket: false,
  BroadcastStormDetectionThreshold: 0,
  BroadcastLimiterStrictMode: false,
  MaxLoggedPacketsPerMinute: 0,
  ClientMinimumRequiredBuild: 0,
  RequiredClientId: 0,
  NoDhcpPacketLogOutsideHub: true,
  NoIPv4PacketLog: false,
  NoIPv6PacketLog: false,
};

export interface UserSettings {
  /** 1..255 characters; told apart without regard to case. */
  readonly name: string;
  readonly realName: string;
  readonly note: string;
  /** Name of the group that the user is in. */
  readonly group: string | undefined;
  readonly authentication: Authentication;
  /** Unix time in milliseconds after which the user may no longer log in. */
  readonly expiresAt: number | undefined;
  /** Instead of the group's and the default. */
  readonly policy: Policy | undefined;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  /** Unix time in milliseconds. */
  readonly updatedAt: number;
}

/** How a user proves who it is. */
export type Authentication =
  | { readonly type: "anonymous" }
  /** SHA-0 of password and upper-case name, 20 bytes; and the NT hash for MS-CHAP, 16 bytes, all zero when not kept. */
  | { readonly type: "password"; readonly hashedKey: Uint8Array; readonly ntLmHash: Uint8Array }
  /** Exactly this certificate (DER). */
  | { readonly type: "certificate"; readonly certificate: Uint8Array }
  /** A certificate that one of the hub's authorities signed; empty texts fit any. */
  | { readonly type: "signed-certificate"; readonly commonName: string; readonly serial: Uint8Array }
  | { readonly type: "radius"; readonly name: string }
  | { readonly type: "nt-domain"; readonly name: string };

/** One object for all users who are known by their names alone: there may be 100,000. */
export const anonymous = { type: "anonymous" } as const satisfies Authentication;

/** `AuthType` of configuration and protocol (`Cedar/Account.h` AUTHTYPE_…). */
export const authenticationNumbers = {
  anonymous: 0,
  password: 1,
  certificate: 2,
  "signed-certificate": 3,
  radius: 4,
  "nt-domain": 5,
} as const satisfies Record<Authentication["type"], number>;

const ntLmHashBytes = 16;

/** An NT hash as a user has it: all zero for one that is not there or of another size. */
export function ntLmHashFrom(bytes?: Uint8Array): Uint8Array {
  return bytes?.length === ntLmHashBytes ? Uint8Array.from(bytes) : noNtLmHash;
}

/** One object for all users: there may be 100,000. */
const noNtLmHash: Uint8Array = new Uint8Array(ntLmHashBytes);

export interface GroupSettings {
  readonly name: string;
  readonly realName: string;
  readonly note: string;
  /** Of its users that have none of their own. */
  readonly policy: Policy | undefined;
}

export interface HubLogSettings {
  readonly saveSecurityLog: boolean;
  readonly savePacketLog: boolean;
  /** When a log goes on in a new file. */
  readonly securityLogTurnover: LogTurnover;
  readonly packetLogTurnover: LogTurnover;
  /** How much of each kind of packet is logged. */
  readonly packetLog: Readonly<Record<PacketLogKind, PacketLogLevel>>;
}

/** By their numbers in configuration and protocol (`LOG_SWITCH_NO` and its like). */
export const logTurnovers = ["none", "second", "minute", "hour", "day", "month"] as const;
export type LogTurnover = (typeof logTurnovers)[number];

/** In the order of the configuration (`PacketLogConfig`). */
export const packetLogKinds = [
  "tcpConnection",
  "tcp",
  "dhcp",
  "udp",
  "icmp",
  "ip",
  "arp",
  "ethernet",
] as const;
export type PacketLogKind = (typeof packetLogKinds)[number];
/** 0 nothing, 1 the header, 2 the whole packet. */
export type PacketLogLevel = 0 | 1 | 2;

export const defaultHubLog: HubLogSettings = {
  saveSecurityLog: true,
  savePacketLog: true,
  securityLogTurnover: "day",
  packetLogTurnover: "day",
  packetLog: { tcpConnection: 1, tcp: 0, dhcp: 1, udp: 0, icmp: 0, ip: 0, arp: 0, ethernet: 0 },
};
