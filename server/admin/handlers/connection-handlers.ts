import type { Administration, ConnectionSummary } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";

/** `Type` of a connection (`Cedar/Connection.h` CONNECTION_TYPE_…). */
const typeNumbers: Readonly<Record<ConnectionSummary["type"], number>> = {
  client: 0,
  initializing: 1,
  additional: 3,
  administration: 5,
};

/** TCP connections that are no part of a session. */
export function createConnectionHandlers({ connections }: Administration): RpcHandlers {
  return {
    EnumConnection: () => ({
      ConnectionList: connections.all().map((connection) => ({
        Name: connection.name,
        Hostname: connection.peerAddress,
        Ip: connection.peerAddress,
        Port: connection.peerPort,
        ConnectedTime: connection.connectedAt,
        Type: typeNumbers[connection.type],
      })),
    }),
    DisconnectConnection: ({ Name }) => {
      if (Name === "") throw new RpcError("invalidParameter");
      if (!connections.disconnect(Name)) throw new RpcError("notFound");
      return {};
    },
    GetConnectionInfo: ({ Name }) => {
      if (Name === "") throw new RpcError("invalidParameter");
      const found = connections.all().find(({ name }) => name.toLowerCase() === Name.toLowerCase());
      if (found === undefined) throw new RpcError("notFound");
      return {
        Name: found.name,
        Type: typeNumbers[found.type],
        Hostname: found.peerAddress,
        Ip: found.peerAddress,
        Port: found.peerPort,
        ConnectedTime: found.connectedAt,
        ...(found.client !== undefined && {
          ClientStr: found.client.product,
          ClientVer: found.client.version,
          ClientBuild: found.client.build,
        }),
      };
    },
  };
}
