import { bin, bool, ip, list, str, time, u32, u64 } from "../fields.ts";
import { rpc } from "../rpc.ts";

const secureNATFields = { HubName: str } as const;

const secureNATOptionFields = {
  MacAddress: bin,
  Ip: ip,
  Mask: ip,
  UseNat: bool,
  Mtu: u32,
  NatTcpTimeout: u32,
  NatUdpTimeout: u32,
  UseDhcp: bool,
  DhcpLeaseIPStart: ip,
  DhcpLeaseIPEnd: ip,
  DhcpSubnetMask: ip,
  DhcpExpireTimeSpan: u32,
  DhcpGatewayAddress: ip,
  DhcpDnsServerAddress: ip,
  DhcpDnsServerAddress2: ip,
  DhcpDomainName: str,
  SaveLog: bool,
  RpcHubName: str,
  ApplyDhcpPushRoutes: bool,
  DhcpPushRoutes: str,
} as const;

const nATFields = {
  NumItem: u32,
  HubName: str,
  NatTable: list({
    Id: u32,
    Protocol: u32,
    SrcIp: ip,
    SrcHost: str,
    SrcPort: u32,
    DestIp: ip,
    DestHost: str,
    DestPort: u32,
    CreatedTime: time,
    LastCommTime: time,
    SendSize: u64,
    RecvSize: u64,
    TcpStatus: u32,
  }),
} as const;

const dHCPFields = {
  NumItem: u32,
  HubName: str,
  DhcpTable: list({
    Id: u32,
    LeasedTime: time,
    ExpireTime: time,
    MacAddress: bin,
    IpAddress: ip,
    Mask: u32,
    Hostname: str,
  }),
} as const;

const secureNATStatusFields = {
  HubName: str,
  NumTcpSessions: u32,
  NumUdpSessions: u32,
  NumIcmpSessions: u32,
  NumDnsSessions: u32,
  NumDhcpClients: u32,
  IsKernelMode: bool,
  IsRawIpMode: bool,
} as const;

/** SecureNAT. */
export const secureNatRpcs = {
  EnableSecureNAT: rpc({
    summary: "Starts the virtual NAT and DHCP server of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notFarmController", "notEnoughRights"],
    fields: secureNATFields,
  }),
  DisableSecureNAT: rpc({
    summary: "Stops the virtual NAT and DHCP server of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notFarmController", "notEnoughRights"],
    fields: secureNATFields,
  }),
  SetSecureNATOption: rpc({
    summary: "Sets the virtual NAT and DHCP server of a hub.",
    right: "hub",
    hubField: "RpcHubName",
    errors: ["hubNotFound", "notSupported", "invalidParameter", "notFarmController", "notEnoughRights"],
    fields: secureNATOptionFields,
  }),
  GetSecureNATOption: rpc({
    summary: "Tells how the virtual NAT and DHCP server of a hub is set.",
    right: "hub",
    hubField: "RpcHubName",
    errors: ["hubNotFound", "notSupported", "notFarmController"],
    fields: secureNATOptionFields,
  }),
  EnumNAT: rpc({
    summary: "Lists the connections of the virtual NAT.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "secureNatNotRunning"],
    fields: nATFields,
  }),
  EnumDHCP: rpc({
    summary: "Lists the leases of the virtual DHCP server.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "secureNatNotRunning"],
    fields: dHCPFields,
  }),
  GetSecureNATStatus: rpc({
    summary: "Tells the state of the virtual NAT and DHCP server.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "secureNatNotRunning"],
    fields: secureNATStatusFields,
  }),
};
