import { bin, bool, ip, list, str, time, u32, u64 } from "../fields.ts";
import { rpc } from "../rpc.ts";
import { connectionStatusFields, nodeInfoFields } from "../shared-fields.ts";

const sessionFields = {
  HubName: str,
  SessionList: list({
    Name: str,
    Username: str,
    Ip: ip,
    ClientIP: ip,
    Hostname: str,
    MaxNumTcp: u32,
    CurrentNumTcp: u32,
    PacketSize: u64,
    PacketNum: u64,
    RemoteSession: bool,
    RemoteHostname: str,
    LinkMode: bool,
    SecureNATMode: bool,
    BridgeMode: bool,
    Layer3Mode: bool,
    Client_BridgeMode: bool,
    Client_MonitorMode: bool,
    VLanId: u32,
    UniqueId: bin,
    IsDormantEnabled: bool,
    IsDormant: bool,
    LastCommDormant: time,
    CreatedTime: time,
    LastCommTime: time,
  }),
} as const;

const sessionStatusFields = {
  Name: str,
  Username: str,
  GroupName: str,
  RealUsername: str,
  SessionStatus_ClientIp: ip,
  SessionStatus_ClientIp6: bin,
  SessionStatus_ClientHostName: str,
  Client_Ip_Address: ip,
  ...connectionStatusFields,
  ...nodeInfoFields,
} as const;

const deleteSessionFields = { HubName: str, Name: str } as const;

const macTableFields = {
  HubName: str,
  MacTable: list({
    Key: u32,
    SessionName: str,
    MacAddress: bin,
    VlanId: u32,
    CreatedTime: time,
    UpdatedTime: time,
    RemoteItem: bool,
    RemoteHostname: str,
  }),
} as const;

const deleteMacTableFields = { HubName: str, Key: u32 } as const;

const ipTableFields = {
  HubName: str,
  IpTable: list({
    Key: u32,
    SessionName: str,
    Ip: ip,
    IpV6: ip,
    IpAddress: ip,
    DhcpAllocated: bool,
    CreatedTime: time,
    UpdatedTime: time,
    RemoteItem: bool,
    RemoteHostname: str,
  }),
} as const;

const deleteIpTableFields = { HubName: str, Key: u32 } as const;

/** Sessions and tables. */
export const sessionRpcs = {
  EnumSession: rpc({
    summary: "Lists the sessions of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notEnoughRights"],
    fields: sessionFields,
  }),
  GetSessionStatus: rpc({
    summary: "Tells a session.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "invalidParameter", "notEnoughRights"],
    fields: sessionStatusFields,
  }),
  DeleteSession: rpc({
    summary: "Ends a session.",
    right: "hub",
    errors: [
      "hubNotFound",
      "notFound",
      "invalidParameter",
      "notEnoughRights",
      "linkCannotDisconnect",
      "secureNatCannotDisconnect",
      "bridgeCannotDisconnect",
      "layer3CannotDisconnect",
    ],
    fields: deleteSessionFields,
  }),
  EnumMacTable: rpc({
    summary: "Lists the MAC addresses that a hub has learned.",
    right: "hub",
    errors: [],
    fields: macTableFields,
  }),
  DeleteMacTable: rpc({
    summary: "Deletes a MAC address from the table.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notEnoughRights"],
    fields: deleteMacTableFields,
  }),
  EnumIpTable: rpc({
    summary: "Lists the IP addresses that a hub has learned.",
    right: "hub",
    errors: [],
    fields: ipTableFields,
  }),
  DeleteIpTable: rpc({
    summary: "Deletes an IP address from the table.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notEnoughRights"],
    fields: deleteIpTableFields,
  }),
};
