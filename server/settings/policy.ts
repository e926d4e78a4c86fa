/**
 * The policies of users and groups, by the names that the protocol, the configuration file and the administration share
 * (`Cedar/Account.c` policy_items). A switch is a boolean, a limit a number; 0 means no limit where that is allowed.
 */
export interface Policy {
  /** May log in. */
  readonly Access: boolean;
  readonly DHCPFilter: boolean;
  readonly DHCPNoServer: boolean;
  readonly DHCPForce: boolean;
  readonly NoBridge: boolean;
  readonly NoRouting: boolean;
  readonly CheckMac: boolean;
  readonly CheckIP: boolean;
  readonly ArpDhcpOnly: boolean;
  readonly PrivacyFilter: boolean;
  readonly NoServer: boolean;
  readonly NoBroadcastLimiter: boolean;
  readonly MonitorPort: boolean;
  /** TCP connections of one session, 1..32. */
  readonly MaxConnection: number;
  /** Seconds without a sign of life after which a session ends, 5..60. */
  readonly TimeOut: number;
  readonly MaxMac: number;
  readonly MaxIP: number;
  /** Bits per second from the client. */
  readonly MaxUpload: number;
  /** Bits per second to the client. */
  readonly MaxDownload: number;
  readonly FixPassword: boolean;
  /** Sessions of one user at the same time. */
  readonly MultiLogins: number;
  readonly NoQoS: boolean;
  readonly RSandRAFilter: boolean;
  readonly RAFilter: boolean;
  readonly DHCPv6Filter: boolean;
  readonly DHCPv6NoServer: boolean;
  readonly NoRoutingV6: boolean;
  readonly CheckIPv6: boolean;
  readonly NoServerV6: boolean;
  readonly MaxIPv6: number;
  readonly NoSavePassword: boolean;
  /** Seconds after which a session is ended. */
  readonly AutoDisconnect: number;
  readonly FilterIPv4: boolean;
  readonly FilterIPv6: boolean;
  readonly FilterNonIP: boolean;
  readonly NoIPv6DefaultRouterInRA: boolean;
  readonly NoIPv6DefaultRouterInRAWhenIPv6: boolean;
  readonly VLanId: number;
}

export type PolicyName = keyof Policy;

/** Range of a limit; `zero` tells whether 0, for no limit, is allowed besides. */
export interface PolicyRange {
  readonly least: number;
  readonly most: number;
  readonly zero: boolean;
}

const uint32 = 0xffff_ffff;

/** The ranges of the limits; every other policy is a switch. */
export const policyRanges: ReadonlyMap<PolicyName, PolicyRange> = new Map<PolicyName, PolicyRange>([
  ["MaxConnection", { least: 1, most: 32, zero: false }],
  ["TimeOut", { least: 5, most: 60, zero: false }],
  ["MaxMac", { least: 1, most: 65_535, zero: true }],
  ["MaxIP", { least: 1, most: 65_535, zero: true }],
  ["MaxUpload", { least: 1, most: uint32, zero: true }],
  ["MaxDownload", { least: 1, most: uint32, zero: true }],
  ["MultiLogins", { least: 1, most: 65_535, zero: true }],
  ["MaxIPv6", { least: 1, most: 65_535, zero: true }],
  ["AutoDisconnect", { least: 1, most: uint32, zero: true }],
  ["VLanId", { least: 1, most: 4_095, zero: true }],
]);

/** What holds for a user that has no policy and is in no group that has one (`Cedar/Account.c` GetDefaultPolicy). */
export const defaultPolicy: Policy = {
  Access: true,
  DHCPFilter: false,
  DHCPNoServer: false,
  DHCPForce: false,
  NoBridge: false,
  NoRouting: false,
  CheckMac: false,
  CheckIP: false,
  ArpDhcpOnly: false,
  PrivacyFilter: false,
  NoServer: false,
  NoBroadcastLimiter: false,
  MonitorPort: false,
  MaxConnection: 32,
  TimeOut: 20,
  MaxMac: 0,
  MaxIP: 0,
  MaxUpload: 0,
  MaxDownload: 0,
  FixPassword: false,
  MultiLogins: 0,
  NoQoS: false,
  RSandRAFilter: false,
  RAFilter: false,
  DHCPv6Filter: false,
  DHCPv6NoServer: false,
  NoRoutingV6: false,
  CheckIPv6: false,
  NoServerV6: false,
  MaxIPv6: 0,
  NoSavePassword: false,
  AutoDisconnect: 0,
  FilterIPv4: false,
  FilterIPv6: false,
  FilterNonIP: false,
  NoIPv6DefaultRouterInRA: false,
  NoIPv6DefaultRouterInRAWhenIPv6: false,
  VLanId: 0,
};

/** Every policy's name, in the order of the protocol's table. */
export const policyNames = Object.keys(defaultPolicy) as readonly PolicyName[];
