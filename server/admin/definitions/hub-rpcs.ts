import { bin, bool, ip, list, secret, str, time, u32, utf, values } from "../fields.ts";
import { rpc } from "../rpc.ts";
import { hubOptionFields, itemTrafficFields, trafficFields } from "../shared-fields.ts";

const hubFields = {
  HubName: str,
  HashedPassword: secret(bin),
  SecurePassword: secret(bin),
  Online: bool,
  AdminPasswordPlainText: secret(str),
  ...hubOptionFields,
  HubType: u32,
} as const;

const enumHubFields = {
  HubList: list({
    HubName: str,
    Online: bool,
    HubType: u32,
    NumSessions: u32,
    NumUsers: u32,
    NumGroups: u32,
    NumMacTables: u32,
    NumIpTables: u32,
    LastCommTime: time,
    CreatedTime: time,
    LastLoginTime: time,
    NumLogin: u32,
    IsTrafficFilled: bool,
    ...itemTrafficFields,
  }),
} as const;

const deleteHubFields = { HubName: str } as const;

const hubOnlineFields = { HubName: str, Online: bool } as const;

const hubStatusFields = {
  HubName: str,
  Online: bool,
  HubType: u32,
  NumSessions: u32,
  NumSessionsClient: u32,
  NumSessionsBridge: u32,
  NumAccessLists: u32,
  NumUsers: u32,
  NumGroups: u32,
  NumMacTables: u32,
  NumIpTables: u32,
  SecureNATEnabled: bool,
  ...trafficFields,
  LastCommTime: time,
  CreatedTime: time,
  LastLoginTime: time,
  NumLogin: u32,
} as const;

const hubRadiusFields = {
  RadiusServerName: str,
  RadiusPort: u32,
  HubName: str,
  RadiusSecret: secret(str),
  RadiusRetryInterval: u32,
  RadiusRetryTimeout: u32,
} as const;

const hubLogFields = {
  HubName: str,
  SaveSecurityLog: bool,
  SecurityLogSwitchType: u32,
  SavePacketLog: bool,
  PacketLogSwitchType: u32,
  PacketLogConfig: values(u32),
} as const;

const hubMsgFields = { HubName: str, Msg: bin } as const;

const defaultHubAdminOptionsFields = {
  NumItem: u32,
  HubName: str,
  AdminOptionList: list({ Name: str, Value: u32, Descrption: utf }),
} as const;

const caFields = { HubName: str, Cert: bin } as const;

const enumCaFields = {
  HubName: str,
  CAList: list({ Key: u32, SubjectName: utf, IssuerName: utf, Expires: time }),
} as const;

const getCaFields = { HubName: str, Key: u32, Cert: bin } as const;

const deleteCaFields = { HubName: str, Key: u32 } as const;

const crlFields = { HubName: str, NumItem: u32, CRLList: list({ Key: u32, CrlInfo: utf }) } as const;

const addCrlFields = {
  HubName: str,
  Key: u32,
  Serial: bin,
  CommonName: utf,
  Organization: utf,
  Unit: utf,
  Country: utf,
  State: utf,
  Local: utf,
  DigestMD5: bin,
  DigestSHA1: bin,
} as const;

const acListFields = {
  NumItem: u32,
  HubName: str,
  ACList: list({ Id: u32, Deny: bool, IpAddress: ip, Masked: bool, SubnetMask: ip, Priority: u32 }),
} as const;

/** Hubs. */
export const hubRpcs = {
  CreateHub: rpc({
    summary: "Makes a Virtual Hub.",
    right: "server",
    errors: ["invalidParameter", "notFarmController", "hubExists", "tooManyHubs"],
    fields: hubFields,
  }),
  SetHub: rpc({
    summary: "Changes a Virtual Hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "invalidParameter", "notFarmController", "notEnoughRights"],
    fields: hubFields,
  }),
  GetHub: rpc({
    summary: "Tells how a Virtual Hub is set.",
    right: "hub",
    errors: ["hubNotFound", "invalidParameter", "notFarmController"],
    fields: hubFields,
  }),
  EnumHub: rpc({
    summary: "Lists the Virtual Hubs.",
    right: "any",
    errors: [],
    fields: enumHubFields,
  }),
  DeleteHub: rpc({
    summary: "Deletes a Virtual Hub.",
    right: "server",
    errors: ["hubNotFound", "invalidParameter", "notFarmController"],
    fields: deleteHubFields,
  }),
  SetHubOnline: rpc({
    summary: "Takes a Virtual Hub online or offline.",
    right: "hub",
    errors: ["hubNotFound", "notFarmController", "notEnoughRights"],
    fields: hubOnlineFields,
  }),
  GetHubStatus: rpc({
    summary: "Tells the state of a Virtual Hub.",
    right: "hub",
    errors: ["hubNotFound"],
    fields: hubStatusFields,
  }),
  GetHubRadius: rpc({
    summary: "Tells the RADIUS server of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: hubRadiusFields,
  }),
  SetHubRadius: rpc({
    summary: "Sets the RADIUS server of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notInOpenSource"],
    fields: hubRadiusFields,
  }),
  SetHubLog: rpc({
    summary: "Sets what a hub logs.",
    right: "hub",
    errors: ["hubNotFound", "notEnoughRights"],
    fields: hubLogFields,
  }),
  GetHubLog: rpc({
    summary: "Tells what a hub logs.",
    right: "hub",
    errors: ["hubNotFound"],
    fields: hubLogFields,
  }),
  SetHubMsg: rpc({
    summary: "Sets the message that users of a hub see when they connect.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "memoryNotEnough"],
    fields: hubMsgFields,
  }),
  GetHubMsg: rpc({
    summary: "Gives the message that users of a hub see when they connect.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "memoryNotEnough"],
    fields: hubMsgFields,
  }),
  GetDefaultHubAdminOptions: rpc({
    summary: "Lists the administration options with the values of a new hub.",
    right: "any",
    errors: ["notSupported"],
    fields: defaultHubAdminOptionsFields,
  }),
  GetHubAdminOptions: rpc({
    summary: "Lists the administration options of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: defaultHubAdminOptionsFields,
  }),
  SetHubAdminOptions: rpc({
    summary: "Sets administration options of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "tooManyItems"],
    fields: defaultHubAdminOptionsFields,
  }),
  GetHubExtOptions: rpc({
    summary: "Lists the extended options of a hub.",
    right: "hub",
    errors: ["hubNotFound"],
    fields: defaultHubAdminOptionsFields,
  }),
  SetHubExtOptions: rpc({
    summary: "Sets extended options of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "tooManyItems"],
    fields: defaultHubAdminOptionsFields,
  }),
  AddCa: rpc({
    summary: "Adds an authority whose certificates the hub trusts.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "invalidParameter", "notFarmController", "notEnoughRights"],
    fields: caFields,
  }),
  EnumCa: rpc({
    summary: "Lists the authorities whose certificates the hub trusts.",
    right: "hub",
    errors: ["hubNotFound", "notFarmController"],
    fields: enumCaFields,
  }),
  GetCa: rpc({
    summary: "Gives the certificate of a trusted authority.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notFarmController"],
    fields: getCaFields,
  }),
  DeleteCa: rpc({
    summary: "Deletes a trusted authority.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notFarmController", "notEnoughRights"],
    fields: deleteCaFields,
  }),
  EnumCrl: rpc({
    summary: "Lists the revoked certificates of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: crlFields,
  }),
  AddCrl: rpc({
    summary: "Revokes certificates.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights"],
    fields: addCrlFields,
  }),
  DelCrl: rpc({
    summary: "Deletes an entry of the revoked certificates.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "notEnoughRights"],
    fields: addCrlFields,
  }),
  GetCrl: rpc({
    summary: "Tells an entry of the revoked certificates.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported"],
    fields: addCrlFields,
  }),
  SetCrl: rpc({
    summary: "Changes an entry of the revoked certificates.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "notEnoughRights"],
    fields: addCrlFields,
  }),
  SetAcList: rpc({
    summary: "Sets the source addresses from which clients may connect to a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported", "notEnoughRights", "notInOpenSource"],
    fields: acListFields,
  }),
  GetAcList: rpc({
    summary: "Lists the source addresses from which clients may connect to a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: acListFields,
  }),
};
