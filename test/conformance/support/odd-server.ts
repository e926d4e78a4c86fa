import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import ssh2 from "ssh2";
import { ed25519KeyPair } from "../../unit/components/ed25519-key-pair.ts";

/** A server that misbehaves, on a loopback port. */
export interface OddServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that it took so far. */
  readonly connections: () => number;
}

const hostKey = ed25519KeyPair().private;

/** A TCP server that does with a connection what a case wants. */
export async function startTcpServer(onConnection: (socket: Socket) => void): Promise<OddServer> {
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** An SSH server that does with a client what a case wants. */
export async function startOddSshServer(
  onClient: (client: ssh2.Connection, drop: () => void) => void,
): Promise<OddServer> {
  const ssh = new ssh2.Server({ hostKeys: [hostKey] });
  let latest: Socket | undefined;
  ssh.on("connection", (client) => {
    const socket = latest;
    client.on("error", () => {});
    onClient(client, () => socket?.destroy());
  });
  return startTcpServer((socket) => {
    latest = socket;
    ssh.injectSocket(socket);
  });
}

/** An SSH server that lets everybody in and does with a command what a case wants. */
export function startOddCommandServer(
  onCommand: (accept: () => ssh2.ServerChannel, reject: () => void, drop: () => void) => void,
): Promise<OddServer> {
  return startOddSshServer((client, drop) => {
    client.on("authentication", (attempt) => attempt.accept());
    client.on("session", (acceptSession) => {
      acceptSession().on("exec", (accept, reject) => onCommand(accept, reject, drop));
    });
  });
}
