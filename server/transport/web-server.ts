import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { rpcLimits } from "../limits.ts";

/** A request as the web server hands it over; `body` gives undefined when there is more than the limit. */
export interface WebRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly peerAddress: string;
  readonly connectionName: string;
  readonly body: (limitBytes: number) => Promise<Buffer | undefined>;
}

export interface WebResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * HTTP on connections that others accepted. What browsers and users' programs send is read by the runtime's own parser; the
 * handshake of the VPN keeps to the few forms that its programs have.
 */
export class WebServer {
  readonly #server: Server;
  readonly #names = new WeakMap<Socket, string>();

  /** @param answer of a request; when it fails the client gets status 500 */
  constructor(answer: (request: WebRequest) => Promise<WebResponse>) {
    // Never listens itself.
    this.#server = createServer({ keepAlive: true }, (request, response) => {
      void this.#answer(answer, request, response);
    });
  }

  /** Takes over a connection, with what was read from it already. */
  serve(socket: Socket, connectionName: string, received: Buffer): void {
    this.#names.set(socket, connectionName);
    // The web server's own timers start with listening, which this one does not.
    socket.setTimeout(rpcLimits.httpIdleMs, () => socket.destroy());
    socket.unshift(received);
    this.#server.emit("connection", socket);
  }

  async #answer(
    answer: (request: WebRequest) => Promise<WebResponse>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { socket, method = "", url = "", headers } = request;
    const deadline = setTimeout(() => socket.destroy(), rpcLimits.httpRequestMs);
    let result: WebResponse;
    try {
      result = await answer({
        method,
        target: url,
        headers,
        peerAddress: (socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
        connectionName: this.#names.get(socket) ?? "",
        body: (limitBytes) => readBody(request, limitBytes),
      });
    } catch {
      result = { status: 500, headers: { "Content-Type": "text/plain" }, body: "The server failed.\n" };
    } finally {
      clearTimeout(deadline);
    }
    const body = Buffer.from(result.body, "utf8");
    // What was not read of the request would be taken for the next one.
    const close = request.complete ? {} : { Connection: "close" };
    response.writeHead(result.status, { ...result.headers, ...close, "Content-Length": body.length });
    response.end(body);
  }
}

async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
