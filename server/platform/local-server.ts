import { once } from "node:events";
import { createServer, type Socket } from "node:net";

export interface LocalListenOptions {
  /** How many connections there may be at a time. */
  readonly connections: number;
  /** Takes a connection of this user or of an administrator. */
  readonly onConnection: (socket: Socket) => void;
}

export interface LocalListener {
  /** Ends all connections, and resolves when nobody listens any more. */
  close(): Promise<void>;
}

/**
 * A server at an address of this host alone, a Unix socket or a named pipe.
 *
 * @throws the system's error
 */
export async function bindLocalServer(
  address: string,
  { connections, onConnection }: LocalListenOptions,
): Promise<LocalListener> {
  const server = createServer({ allowHalfOpen: true });
  const sockets = new Set<Socket>();
  server.maxConnections = connections;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  });
  server.listen({ path: address });
  await once(server, "listening");
  // Out of descriptors, say: the next request finds it working again.
  server.on("error", () => {});
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Resolves when a socket is connected. @throws the system's error */
export async function connected(socket: Socket): Promise<Socket> {
  await once(socket, "connect");
  return socket;
}
