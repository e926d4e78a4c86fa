import { bin, bool, ip, list, secret, str, time, u32, values } from "../fields.ts";
import { rpc } from "../rpc.ts";

const farmSettingFields = {
  ServerType: u32,
  Ports: values(u32),
  PublicIp: ip,
  ControllerName: str,
  ControllerPort: u32,
  MemberPassword: secret(bin),
  MemberPasswordPlaintext: secret(str),
  Weight: u32,
  ControllerOnly: bool,
} as const;

const farmInfoFields = {
  Id: u32,
  Controller: bool,
  ConnectedTime: time,
  Ip: ip,
  Hostname: str,
  Point: u32,
  Ports: values(u32),
  ServerCert: bin,
  HubsList: list({ HubName: str, DynamicHub: bool }),
  NumSessions: u32,
  NumTcpConnections: u32,
  Weight: u32,
} as const;

const farmMemberFields = {
  FarmMemberList: list({
    Id: u32,
    Controller: bool,
    ConnectedTime: time,
    Ip: ip,
    Hostname: str,
    Point: u32,
    NumSessions: u32,
    NumTcpConnections: u32,
    NumHubs: u32,
    AssignedClientLicense: u32,
    AssignedBridgeLicense: u32,
  }),
} as const;

const farmConnectionStatusFields = {
  Ip: ip,
  Port: u32,
  Online: bool,
  LastError: u32,
  StartedTime: time,
  CurrentConnectedTime: time,
  FirstConnectedTime: time,
  NumConnected: u32,
  NumTry: u32,
  NumFailed: u32,
} as const;

/** Cluster. */
export const clusterRpcs = {
  SetFarmSetting: rpc({
    summary: "Sets the server's role in a cluster.",
    right: "server",
    errors: ["notSupported"],
    fields: farmSettingFields,
  }),
  GetFarmSetting: rpc({
    summary: "Tells the server's role in a cluster.",
    right: "any",
    errors: [],
    fields: farmSettingFields,
  }),
  GetFarmInfo: rpc({
    summary: "Tells a member of the cluster.",
    right: "any",
    errors: ["notFound", "notFarmController"],
    fields: farmInfoFields,
  }),
  EnumFarmMember: rpc({
    summary: "Lists the members of the cluster.",
    right: "any",
    errors: ["notFarmController"],
    fields: farmMemberFields,
  }),
  GetFarmConnectionStatus: rpc({
    summary: "Tells the connection to the controller of the cluster.",
    right: "any",
    errors: ["notFarmMember"],
    fields: farmConnectionStatusFields,
  }),
};
