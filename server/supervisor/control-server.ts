import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { controlLimits, type ControlRequest, type ControlResponse } from "./control-protocol.ts";
import { socketAddress } from "./control-socket.ts";

/**
 * Serves `status` and `stop` on a Unix socket that only its owner can open. For the holder of the instance lock: a socket
 * that is there is a left-over.
 */
export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #release: () => void;

  private constructor(server: Server, release: () => void) {
    this.#server = server;
    this.#release = release;
  }

  /** @throws the system's error when the socket cannot be made */
  static async listen(
    path: string,
    answer: (request: ControlRequest) => ControlResponse,
  ): Promise<ControlServer> {
    rmSync(path, { force: true });
    const { address, release } = socketAddress(path);
    const server = createServer({ allowHalfOpen: true });
    const control = new ControlServer(server, release);
    server.maxConnections = controlLimits.connections;
    server.on("connection", (socket) => control.#serve(socket, answer));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ path: address }, () => {
          server.off("error", reject);
          resolve();
        });
      });
      chmodSync(path, 0o600);
    } catch (error) {
      server.close();
      release();
      throw error;
    }
    // Out of descriptors, say: the next request finds it working again.
    server.on("error", () => {});
    return control;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        this.#release();
        resolve();
      });
    });
  }

  #serve(socket: Socket, answer: (request: ControlRequest) => ControlResponse): void {
    let text = "";
    this.#sockets.add(socket);
    socket.setEncoding("utf8");
    socket.setTimeout(controlLimits.idleMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end === -1 && text.length <= controlLimits.requestBytes) return;
      socket.removeAllListeners("data").resume();
      socket.end(`${JSON.stringify(answerTo(end === -1 ? text : text.slice(0, end), answer))}\n`);
    });
  }
}

function answerTo(line: string, answer: (request: ControlRequest) => ControlResponse): ControlResponse {
  if (line.length > controlLimits.requestBytes) return { error: "the request is too long" };
  let request: Partial<ControlRequest> | null;
  try {
    request = JSON.parse(line) as Partial<ControlRequest> | null;
  } catch {
    return { error: "the request is not JSON" };
  }
  const command = request?.command;
  if (command === "status" || command === "stop") return answer({ command });
  return { error: "the request has no command that is known here" };
}
