import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Namespace } from "../../namespace.ts";

const maxAddressBytes = 64;

/** A server of this process that others reach at addresses in network namespaces, by relays that end with the lab. */
export class RelayedServer {
  readonly #server: Server;
  readonly #socket: string;
  readonly #relays: ChildProcess[] = [];
  readonly #connections = new Set<Socket>();

  private constructor(server: Server, socket: string) {
    this.#server = server;
    this.#socket = socket;
  }

  /** @param onConnection called with a paused connection, and the address that it came from */
  static async open(
    socket: string,
    onConnection: (connection: Socket, from: string) => void,
  ): Promise<RelayedServer> {
    const server = createServer();
    const opened = new RelayedServer(server, socket);
    server.on("connection", (connection) => {
      opened.#connections.add(connection);
      connection.on("error", () => connection.destroy());
      connection.on("close", () => opened.#connections.delete(connection));
      readAddress(connection, (from) => onConnection(connection, from));
    });
    server.listen(socket);
    await once(server, "listening");
    return opened;
  }

  /** Lets it be reached at an address of a namespace. */
  async listen(namespace: Namespace, address: string, port: number): Promise<void> {
    const words = [join(import.meta.dirname, "relay.ts"), address, String(port), this.#socket];
    const relay = namespace.spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    this.#relays.push(relay);
    if (relay.stdout === null) throw new Error("a relay has no output");
    const { done } = await createInterface(relay.stdout)[Symbol.asyncIterator]().next();
    if (done === true)
      throw new Error(`nobody can listen on port ${port} of ${address} in ${namespace.name}`);
  }

  async close(): Promise<void> {
    for (const relay of this.#relays) {
      if (relay.exitCode !== null || relay.signalCode !== null) continue;
      const ended = once(relay, "exit");
      relay.kill("SIGKILL");
      await ended;
    }
    for (const connection of this.#connections) connection.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function readAddress(connection: Socket, onAddress: (address: string) => void): void {
  let line = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    line = Buffer.concat([line, chunk]);
    const end = line.indexOf(10);
    if (end === -1 && line.length < maxAddressBytes) return;
    connection.off("data", onData);
    connection.pause();
    if (end === -1) {
      connection.destroy();
      return;
    }
    const rest = line.subarray(end + 1);
    if (rest.length > 0) connection.unshift(rest);
    onAddress(
      line
        .subarray(0, end)
        .toString()
        .replace(/^::ffff:/, ""),
    );
  };
  connection.on("data", onData);
}
