import type { Socket } from "node:net";
import { controlLimits, type ControlRequest, type ControlResponse } from "./control-protocol.ts";
import { isDeeperThan } from "../json/json-depth.ts";
import { rpcLimits } from "../limits.ts";
import type { LocalListener } from "../platform/local-server.ts";
import { listenLocally } from "../platform/local-socket.ts";
import { failureOf } from "./failure.ts";

/** Answers a request, sooner or later. */
export type ControlAnswer = (request: ControlRequest) => ControlResponse | Promise<ControlResponse>;

/**
 * Serves `status`, `stop` and `apply` to processes of the same user and of root. For the holder of the instance lock, who
 * knows that no other server listens there.
 */
export class ControlServer {
  readonly #listener: LocalListener;

  private constructor(listener: LocalListener) {
    this.#listener = listener;
  }

  /** @throws the system's error when the socket cannot be made */
  static async listen(path: string, answer: ControlAnswer): Promise<ControlServer> {
    const { connections } = controlLimits;
    const onConnection = (socket: Socket) => serve(socket, answer);
    return new ControlServer(await listenLocally(path, { connections, onConnection }));
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

function serve(socket: Socket, answer: ControlAnswer): void {
  const chunks: string[] = [];
  let length = 0;
  socket.setEncoding("utf8");
  socket.setTimeout(controlLimits.idleMs, () => socket.destroy());
  const finish = () => socket.end();
  socket.on("end", finish);
  socket.on("data", (chunk: string) => {
    const end = chunk.indexOf("\n");
    chunks.push(end === -1 ? chunk : chunk.slice(0, end));
    length += chunk.length;
    if (end === -1 && length <= controlLimits.requestBytes) return;
    socket.removeAllListeners("data").off("end", finish).setTimeout(0).resume();
    void answerTo(chunks.join(""), answer).then((response) => socket.end(`${JSON.stringify(response)}\n`));
  });
}

async function answerTo(line: string, answer: ControlAnswer): Promise<ControlResponse> {
  if (line.length > controlLimits.requestBytes) return { error: "the request is too long" };
  // Whoever is let in here may end the server anyway; but no text of his is to end it by accident.
  if (isDeeperThan(Buffer.from(line), rpcLimits.jsonDepth + 1))
    return { error: "the request is nested too deep" };
  let request: { command?: unknown; desired?: unknown; dryRun?: unknown } | null;
  try {
    request = JSON.parse(line) as typeof request;
  } catch {
    return { error: "the request is not JSON" };
  }
  const { command, desired, dryRun } = request ?? {};
  try {
    if (command === "status" || command === "stop") return await answer({ command });
    if (command === "apply") return await answer({ command, desired, dryRun: dryRun === true });
  } catch (error) {
    return { failure: failureOf(error) };
  }
  return { error: "the request has no command that is known here" };
}
