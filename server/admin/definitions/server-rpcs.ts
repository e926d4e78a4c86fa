import { bin, bool, list, secret, str, time, u32, u64, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";
import { memoryFields, osFields, trafficFields } from "../shared-fields.ts";

const testFields = { IntValue: u32, Int64Value: u64, StrValue: str, UniStrValue: utf } as const;

const serverInfoFields = {
  ServerProductName: str,
  ServerVersionString: str,
  ServerBuildInfoString: str,
  ServerVerInt: u32,
  ServerBuildInt: u32,
  ServerHostName: str,
  ServerType: u32,
  ServerBuildDate: time,
  ServerFamilyName: str,
  ...osFields,
} as const;

const serverStatusFields = {
  ServerType: u32,
  NumHubTotal: u32,
  NumHubStandalone: u32,
  NumHubStatic: u32,
  NumHubDynamic: u32,
  NumSessionsTotal: u32,
  NumSessionsLocal: u32,
  NumSessionsRemote: u32,
  NumTcpConnections: u32,
  NumTcpConnectionsLocal: u32,
  NumTcpConnectionsRemote: u32,
  NumMacTables: u32,
  NumIpTables: u32,
  NumUsers: u32,
  NumGroups: u32,
  CurrentTime: time,
  CurrentTick: u64,
  AssignedBridgeLicenses: u32,
  AssignedClientLicenses: u32,
  AssignedBridgeLicensesTotal: u32,
  AssignedClientLicensesTotal: u32,
  StartTime: time,
  ...trafficFields,
  ...memoryFields,
} as const;

const serverPasswordFields = { HashedPassword: secret(bin), PlainTextPassword: secret(str) } as const;

const capsFields = { CapsList: list({ CapsName: str, CapsValue: u32, CapsDescrption: utf }) } as const;

const flushFields = { IntValue: u32, Int64Value: u64, StrValue: str, UniStrValue: utf } as const;

const configFields = { FileName: str, FileData: bin } as const;

const adminMsgFields = { HubName: str, Msg: bin } as const;

const keepFields = {
  UseKeepConnect: bool,
  KeepConnectHost: str,
  KeepConnectPort: u32,
  KeepConnectProtocol: u32,
  KeepConnectInterval: u32,
} as const;

const sysLogFields = { SaveType: u32, Port: u32, Hostname: str } as const;

/** Server. */
export const serverRpcs = {
  Test: rpc({
    summary: "Answers with what it was sent, and with the number as text.",
    right: "any",
    errors: [],
    fields: testFields,
  }),
  GetServerInfo: rpc({
    summary: "Tells what server this is, and on what system it runs.",
    right: "any",
    errors: ["internal"],
    fields: serverInfoFields,
  }),
  GetServerStatus: rpc({
    summary: "Tells how many hubs, sessions, users and table entries there are, the traffic and the memory.",
    right: "any",
    errors: [],
    fields: serverStatusFields,
  }),
  SetServerPassword: rpc({
    summary: "Sets the password of the server's administrator.",
    right: "server",
    errors: [],
    fields: serverPasswordFields,
  }),
  GetCaps: rpc({
    summary: "Tells what the server can do, and how much of it.",
    right: "any",
    errors: [],
    fields: capsFields,
    // The official programs read a number of its own for each; the list is for people.
    extraNumbers: ({ CapsList }) =>
      CapsList.map(({ CapsName, CapsValue }) => [`caps_${CapsName}`, CapsValue] as const),
  }),
  Flush: rpc({
    summary: "Writes all that is not in the configuration file yet.",
    right: "server",
    errors: [],
    fields: flushFields,
  }),
  Crash: rpc({
    summary: "Ends the server process with a fault.",
    right: "server",
    errors: [],
    fields: flushFields,
  }),
  Debug: rpc({
    summary: "Runs a function that only the developers of the server need.",
    right: "server",
    errors: [],
    fields: flushFields,
  }),
  RebootServer: rpc({
    summary: "Restarts the server.",
    right: "server",
    errors: [],
    fields: flushFields,
  }),
  GetConfig: rpc({
    summary: "Gives the whole configuration file.",
    right: "server",
    errors: ["internal"],
    fields: configFields,
  }),
  SetConfig: rpc({
    summary: "Replaces the configuration and restarts the server.",
    right: "server",
    errors: ["internal"],
    fields: configFields,
  }),
  GetAdminMsg: rpc({
    summary: "Gives the message that an administrator sees after the login.",
    right: "any",
    errors: [],
    fields: adminMsgFields,
  }),
  SetKeep: rpc({
    summary: "Sets the packets that keep an Internet connection open.",
    right: "server",
    errors: ["invalidParameter"],
    fields: keepFields,
  }),
  GetKeep: rpc({
    summary: "Tells the packets that keep an Internet connection open.",
    right: "any",
    errors: [],
    fields: keepFields,
  }),
  SetSysLog: rpc({
    summary: "Sets where log lines are sent besides the files.",
    right: "server",
    errors: ["notSupported", "notInOpenSource"],
    fields: sysLogFields,
  }),
  GetSysLog: rpc({
    summary: "Tells where log lines are sent besides the files.",
    right: "any",
    errors: [],
    fields: sysLogFields,
  }),
};
