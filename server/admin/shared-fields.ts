import { policyNames, policyRanges, type Policy } from "../settings/policy.ts";
import { bin, bool, ip, secret, str, time, u32, u64, utf, type ScalarField } from "./fields.ts";

/** The groups of fields that several methods share, each with its name in `Cedar/Admin.c`. */

type PolicyFields = {
  readonly [Name in keyof Policy as `policy:${Name}`]: ScalarField<
    Policy[Name] extends boolean ? "bool" : "u32"
  >;
} & {
  /** Always true: the policies are those of version 3. */
  readonly "policy:Ver3": ScalarField<"bool">;
};

/** OutRpcPolicy */
export const policyFields = {
  ...Object.fromEntries(policyNames.map((name) => [`policy:${name}`, policyRanges.has(name) ? u32 : bool])),
  "policy:Ver3": bool,
} as PolicyFields;

/** OutRpcTraffic */
export const trafficFields = {
  "Recv.BroadcastBytes": u64,
  "Recv.BroadcastCount": u64,
  "Recv.UnicastBytes": u64,
  "Recv.UnicastCount": u64,
  "Send.BroadcastBytes": u64,
  "Send.BroadcastCount": u64,
  "Send.UnicastBytes": u64,
  "Send.UnicastCount": u64,
} as const;

/** OutRpcTrafficEx */
export const itemTrafficFields = {
  "Ex.Recv.BroadcastBytes": u64,
  "Ex.Recv.BroadcastCount": u64,
  "Ex.Recv.UnicastBytes": u64,
  "Ex.Recv.UnicastCount": u64,
  "Ex.Send.BroadcastBytes": u64,
  "Ex.Send.BroadcastCount": u64,
  "Ex.Send.UnicastBytes": u64,
  "Ex.Send.UnicastCount": u64,
} as const;

/** OutRpcMemInfo */
export const memoryFields = {
  TotalMemory: u64,
  UsedMemory: u64,
  FreeMemory: u64,
  TotalPhys: u64,
  UsedPhys: u64,
  FreePhys: u64,
} as const;

/** OutRpcOsInfo */
export const osFields = {
  OsType: u32,
  OsServicePack: u32,
  OsSystemName: str,
  OsProductName: str,
  OsVendorName: str,
  OsVersion: str,
  KernelName: str,
  KernelVersion: str,
} as const;

/** OutRpcHubOption */
export const hubOptionFields = {
  DefaultGateway: u32,
  DefaultSubnet: u32,
  MaxSession: u32,
  NoEnum: bool,
} as const;

/** OutRpcAuthData */
export const authenticationFields = {
  AuthType: u32,
  HashedKey: secret(bin),
  NtLmSecureHash: secret(bin),
  /** In requests alone: the server makes the hashes. */
  Auth_Password: secret(str),
  UserX: bin,
  Serial: bin,
  CommonName: utf,
  RadiusUsername: utf,
  NtUsername: utf,
} as const;

/** OutRpcClientOption */
export const clientOptionFields = {
  AccountName: utf,
  Hostname: str,
  ProxyName: str,
  ProxyUsername: str,
  ProxyPassword: secret(str),
  CustomHttpHeader: str,
  HubName: str,
  DeviceName: str,
  Port: u32,
  PortUDP: u32,
  ProxyType: u32,
  ProxyPort: u32,
  NumRetry: u32,
  RetryInterval: u32,
  MaxConnection: u32,
  UseEncrypt: bool,
  UseCompress: bool,
  HalfConnection: bool,
  NoRoutingTracking: bool,
  AdditionalConnectionInterval: u32,
  ConnectionDisconnectSpan: u32,
  HideStatusWindow: bool,
  HideNicInfoWindow: bool,
  RequireMonitorMode: bool,
  RequireBridgeRoutingMode: bool,
  DisableQoS: bool,
  FromAdminPack: bool,
  NoUdpAcceleration: bool,
  HostUniqueKey: bin,
  BindLocalIP: ip,
  BindLocalPort: u32,
} as const;

/** OutRpcClientAuth */
export const clientAuthenticationFields = {
  AuthType: u32,
  Username: str,
  HashedPassword: secret(bin),
  PlainPassword: secret(str),
  ClientX: bin,
  ClientK: secret(bin),
  SecurePublicCertName: str,
  SecurePrivateKeyName: str,
  OpensslEnginePrivateKeyName: str,
  OpensslEngineName: str,
} as const;

/** OutRpcClientGetConnectionStatus */
export const connectionStatusFields = {
  AccountName: utf,
  ServerName: str,
  ServerProductName: str,
  ProtocolVersion: str,
  CipherName: str,
  SessionName: str,
  ConnectionName: str,
  SessionKey: secret(bin),
  Active: bool,
  Connected: bool,
  SessionStatus: u32,
  ServerPort: u32,
  ServerProductVer: u32,
  ServerProductBuild: u32,
  NumConnectionsEstablished: u32,
  HalfConnection: bool,
  QoS: bool,
  MaxTcpConnections: u32,
  NumTcpConnections: u32,
  NumTcpConnectionsUpload: u32,
  NumTcpConnectionsDownload: u32,
  UseEncrypt: bool,
  UseCompress: bool,
  IsRUDPSession: bool,
  UnderlayProtocol: str,
  ProtocolDetails: str,
  IsUdpAccelerationEnabled: bool,
  IsUsingUdpAcceleration: bool,
  IsBridgeMode: bool,
  IsMonitorMode: bool,
  StartTime: time,
  FirstConnectionEstablisiedTime: time,
  CurrentConnectionEstablishTime: time,
  TotalSendSize: u64,
  TotalRecvSize: u64,
  TotalSendSizeReal: u64,
  TotalRecvSizeReal: u64,
  VLanId: u32,
  ...policyFields,
  ...trafficFields,
  ServerX: bin,
  ClientX: bin,
} as const;

/** OutRpcNodeInfo */
export const nodeInfoFields = {
  ClientProductName: str,
  ServerProductName: str,
  ClientOsName: str,
  ClientOsVer: str,
  ClientOsProductId: str,
  ClientHostname: str,
  ServerHostname: str,
  ProxyHostname: str,
  HubName: str,
  UniqueId: bin,
  ClientProductVer: u32,
  ClientProductBuild: u32,
  ServerProductVer: u32,
  ServerProductBuild: u32,
  ClientIpAddress: ip,
  ClientIpAddress6: bin,
  ClientPort: u32,
  ServerIpAddress: ip,
  ServerIpAddress6: bin,
  ServerPort2: u32,
  ProxyIpAddress: ip,
  ProxyIpAddress6: bin,
  ProxyPort: u32,
} as const;

/** OutRpcAccess */
export const accessRuleFields = {
  Id: u32,
  Note: utf,
  Active: bool,
  Priority: u32,
  Discard: bool,
  SrcIpAddress: ip,
  SrcSubnetMask: ip,
  DestIpAddress: ip,
  DestSubnetMask: ip,
  Protocol: u32,
  SrcPortStart: u32,
  SrcPortEnd: u32,
  DestPortStart: u32,
  DestPortEnd: u32,
  SrcUsernameHash: u32,
  SrcUsername: str,
  DestUsernameHash: u32,
  DestUsername: str,
  CheckSrcMac: bool,
  SrcMacAddress: bin,
  SrcMacMask: bin,
  CheckDstMac: bool,
  DstMacAddress: bin,
  DstMacMask: bin,
  CheckTcpState: bool,
  Established: bool,
  Delay: u32,
  Jitter: u32,
  Loss: u32,
  IsIPv6: bool,
  UniqueId: u32,
  RedirectUrl: str,
  SrcIpAddress6: bin,
  SrcSubnetMask6: bin,
  DestIpAddress6: bin,
  DestSubnetMask6: bin,
} as const;
