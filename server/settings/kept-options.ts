/**
 * The options of a hub that this server does not act upon, as in the configuration of a hub that was just created. They are shown,
 * set and kept, so that a configuration is whole when it goes to another server. Names are those of `GetHubExtOptions`.
 */
export const defaultKeptOptions = {
  NoAddressPollingIPv4: false,
  NoAddressPollingIPv6: false,
  DisableIPParsing: false,
  YieldAfterStorePacket: false,
  NoSpinLockForPacketDelay: false,
  NoLookBPDUBridgeId: false,
  VlanTypeId: 0x8100,
  FixForDLinkBPDU: false,
  AdjustTcpMssValue: 0,
  DisableAdjustTcpMss: false,
  DisableHttpParsing: false,
  DisableUdpAcceleration: false,
  DisableUdpFilterForLocalBridgeNic: false,
  RemoveDefGwOnDhcpForLocalhost: true,
  AccessListIncludeFileCacheLifetime: 30,
  DisableIpRawModeSecureNAT: false,
  DisableCheckMacOnLocalBridge: false,
  DisableCorrectIpOffloadChecksum: false,
  DoNotSaveHeavySecurityLogs: false,
  SuppressClientUpdateNotification: false,
  FloodingSendQueueBufferQuota: 33_554_432,
  AssignVLanIdByRadiusAttribute: false,
  DenyAllRadiusLoginWithNoVlanAssign: false,
  SecureNAT_RandomizeAssignIp: false,
  DetectDormantSessionInterval: 0,
  NoPhysicalIPOnPacketLog: false,
  UseHubNameAsDhcpUserClassOption: false,
  UseHubNameAsRadiusNasId: false,
} as const satisfies Record<string, boolean | number>;

export type KeptOptions = {
  readonly [Name in keyof typeof defaultKeptOptions]: (typeof defaultKeptOptions)[Name] extends boolean
    ? boolean
    : number;
};
