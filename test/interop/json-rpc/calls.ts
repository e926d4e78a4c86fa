/** One call of a method of the administration, as the client `vpnrpc` makes it. */
export interface JsonRpcCall {
  /** As whom: of the server, or of the hub TEST. */
  readonly as: "server" | "hub";
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** The error's number where one is expected. */
  readonly error?: number;
}

export const serverPassword = "of the administrator";
export const hubPassword = "of the hub";

const server = (
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  error?: number,
): JsonRpcCall => ({ as: "server", method, params, ...(error !== undefined && { error }) });
const hub = (
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  error?: number,
): JsonRpcCall => ({ ...server(method, { HubName_str: "TEST", ...params }, error), as: "hub" });

const user = { HubName_str: "TEST", Name_str: "alice" };
const rule = {
  Note_utf: "web",
  Active_bool: true,
  Priority_u32: 10,
  Discard_bool: true,
  SrcIpAddress_ip: "10.0.0.0",
  SrcSubnetMask_ip: "255.0.0.0",
  Protocol_u32: 6,
  DestPortStart_u32: 80,
  DestPortEnd_u32: 90,
};

/** In an order in which each finds what it needs. */
export const calls: readonly JsonRpcCall[] = [
  server("Test", { IntValue_u32: 5 }),
  server("GetServerInfo"),
  server("GetServerStatus"),
  server("GetCaps"),
  server("CreateListener", { Port_u32: 15001, Enable_bool: true }),
  server("CreateListener", { Port_u32: 15001, Enable_bool: true }, 54),
  server("EnableListener", { Port_u32: 15001, Enable_bool: false }),
  server("EnumListener"),
  server("DeleteListener", { Port_u32: 15001 }),
  server("DeleteListener", { Port_u32: 15001 }, 53),
  server("CreateHub", {
    HubName_str: "TEST",
    AdminPasswordPlainText_str: hubPassword,
    HubType_u32: 0,
    Online_bool: true,
    MaxSession_u32: 0,
    NoEnum_bool: false,
  }),
  server("CreateHub", { HubName_str: "TEST", HubType_u32: 0, Online_bool: true }, 57),
  server("EnumHub"),
  server("GetHub", { HubName_str: "TEST" }),
  server("GetHub", { HubName_str: "NOWHERE" }, 8),
  hub("GetHubStatus"),
  hub("SetHubLog", {
    SaveSecurityLog_bool: true,
    SecurityLogSwitchType_u32: 4,
    SavePacketLog_bool: false,
    PacketLogSwitchType_u32: 4,
    PacketLogConfig_u32: [1, 2, ...Array<number>(14).fill(0)],
  }),
  hub("GetHubLog"),
  hub("SetHubMsg", { Msg_bin: Buffer.from("Welcome") }),
  hub("GetHubMsg"),
  hub("GetHubAdminOptions"),
  server("GetHubExtOptions", { HubName_str: "TEST" }),
  hub("CreateGroup", { Name_str: "staff", Realname_utf: "The staff", Note_utf: "Ä" }),
  hub("CreateGroup", { Name_str: "STAFF" }, 67),
  hub("GetGroup", { Name_str: "staff" }),
  hub("EnumGroup"),
  hub("CreateUser", {
    Name_str: "alice",
    GroupName_str: "staff",
    Realname_utf: "Älice",
    Note_utf: "first",
    ExpireTime_dt: new Date("2030-01-02T03:04:05Z"),
    AuthType_u32: 1,
    Auth_Password_str: "secret",
    UsePolicy_bool: true,
    "policy:Access_bool": true,
    "policy:MaxConnection_u32": 7,
    "policy:TimeOut_u32": 30,
  }),
  hub("CreateUser", { Name_str: "bob", AuthType_u32: 0 }),
  hub("CreateUser", { Name_str: "ALICE", AuthType_u32: 0 }, 66),
  hub("CreateUser", { Name_str: "carol", GroupName_str: "nobody", AuthType_u32: 0 }, 65),
  hub("SetUser", { Name_str: "bob", AuthType_u32: 4, RadiusUsername_utf: "robert" }),
  hub("GetUser", { Name_str: "alice" }),
  hub("GetUser", { Name_str: "nobody" }, 29),
  hub("EnumUser"),
  hub("AddAccess", { AccessListSingle: [rule] }),
  hub("SetAccessList", { AccessList: [{ ...rule, Priority_u32: 20, Note_utf: "second" }, rule] }),
  hub("EnumAccess"),
  hub("DeleteAccess", { Id_u32: 2 }),
  hub("DeleteAccess", { Id_u32: 9 }, 29),
  hub("AddCrl", { CommonName_utf: "revoked", Serial_bin: Uint8Array.of(1, 2) }),
  hub("EnumCrl"),
  hub("SetAcList", { ACList: [{ Deny_bool: true, IpAddress_ip: "192.0.2.1", Priority_u32: 5 }] }),
  hub("GetAcList"),
  hub("EnumSession"),
  hub("GetSessionStatus", { Name_str: "SID-NOBODY-1" }, 29),
  hub("EnumMacTable"),
  hub("EnumIpTable"),
  hub("EnumCa"),
  hub("EnumLogFile"),
  server("EnumConnection"),
  server("EnumLogFile"),
  server("GetServerCert"),
  server("GetServerCipher"),
  server("SetKeep", {
    UseKeepConnect_bool: false,
    KeepConnectHost_str: "203.0.113.9",
    KeepConnectPort_u32: 80,
    KeepConnectProtocol_u32: 1,
    KeepConnectInterval_u32: 60,
  }),
  server("GetKeep"),
  server("SetSysLog", { SaveType_u32: 1, Hostname_str: "127.0.0.1", Port_u32: 514 }),
  server("GetSysLog"),
  server("SetSysLog", { SaveType_u32: 0, Hostname_str: "", Port_u32: 514 }),
  server("EnumEthernet"),
  server("EnumLocalBridge"),
  server("EnumL3Switch"),
  server("GetFarmSetting"),
  hub("EnumLink"),
  // A hub's administrator is not the server's, nor another hub's.
  hub("GetServerCert"),
  hub("CreateHub", { HubName_str: "OTHER", HubType_u32: 0 }, 52),
  hub("EnumUser", { HubName_str: "DEFAULT" }, 52),
  hub("SetServerPassword", { PlainTextPassword_str: "mine" }, 52),
  server("DeleteUser", user),
  server("DeleteUser", user, 29),
  server("DeleteGroup", { HubName_str: "TEST", Name_str: "staff" }),
  server("SetHubOnline", { HubName_str: "TEST", Online_bool: false }),
  server("DeleteHub", { HubName_str: "TEST" }),
  server("Flush"),
];
