import { ip, list, str, time, u32 } from "../fields.ts";
import { rpc } from "../rpc.ts";

const connectionFields = {
  ConnectionList: list({ Ip: ip, Port: u32, Name: str, Hostname: str, ConnectedTime: time, Type: u32 }),
} as const;

const disconnectConnectionFields = { Name: str } as const;

const connectionInfoFields = {
  Name: str,
  Ip: ip,
  Port: u32,
  ConnectedTime: time,
  Hostname: str,
  ServerStr: str,
  ClientStr: str,
  ServerVer: u32,
  ServerBuild: u32,
  ClientVer: u32,
  ClientBuild: u32,
  Type: u32,
} as const;

/** TCP connections. */
export const connectionRpcs = {
  EnumConnection: rpc({
    summary: "Lists the TCP connections that are no part of a session.",
    right: "server",
    errors: [],
    fields: connectionFields,
  }),
  DisconnectConnection: rpc({
    summary: "Cuts a TCP connection.",
    right: "server",
    errors: ["notFound", "invalidParameter"],
    fields: disconnectConnectionFields,
  }),
  GetConnectionInfo: rpc({
    summary: "Tells a TCP connection.",
    right: "server",
    errors: ["notFound", "invalidParameter"],
    fields: connectionInfoFields,
  }),
};
