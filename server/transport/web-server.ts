import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { httpLimits } from "../limits.ts";
import { requestQuota } from "../read-quota.ts";

/** A request as the web server hands it over; `body` gives its parts, or undefined when there is more than the limit. */
export interface WebRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  readonly peerAddress: string;
  /** By number, of this host. */
  readonly peerUser: number | undefined;
  readonly connectionName: string;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
  readonly connection: WebCarrier;
  readonly body: (limitBytes: number) => Promise<readonly Buffer[] | undefined>;
}

export interface WebResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The request has logged in. */
  readonly loggedIn?: boolean;
  /** In the place of a body that is long: its parts, in UTF-8, each sent when the one before it is with the system. */
  readonly parts?: readonly Buffer[];
}

/** The connection that requests come on: the same object for all of them. */
export interface WebCarrier {
  /** Cuts it. */
  close(): void;
  /** Whether every request was answered. */
  isIdle(): boolean;
  onClosed(callback: () => void): void;
}

/** Bounds of the connections; the defaults are those of `server/limits.ts`. */
export interface WebBounds {
  readonly loginMs: number;
  readonly lingerMs: number;
  readonly httpIdleMs: number;
  readonly httpRequestMs: number;
}

/** What is kept of one connection. */
interface WebConnection {
  readonly name: string;
  /** By number, of this host. */
  readonly peerUser: number | undefined;
  /** Aborted when it has ended. */
  readonly gone: AbortSignal;
  /** Counts a request that was refused for want of a password. */
  readonly refused: () => void;
  /** Tells that a request has logged in. */
  readonly loggedIn: () => void;
  /** Cuts it when what comes next takes too long. */
  deadline: NodeJS.Timeout | undefined;
  /** A request was not answered yet. */
  answering: boolean;
  readonly carrier: WebCarrier;
}

/**
 * HTTP on connections that others accepted. What browsers and users' programs send is read by the runtime's own parser; the
 * handshake of the VPN keeps to the few forms that its programs have.
 *
 * A connection has one deadline at a time, which no single byte extends:
 *
 *     head --loginMs, later httpIdleMs--> body and answer --httpRequestMs--> answer is taken --> head
 *
 * While an answer is on its way the client has to take some of it every `httpIdleMs`.
 */
export class WebServer {
  readonly #answer: (request: WebRequest) => Promise<WebResponse>;
  readonly #bounds: WebBounds;
  readonly #server: Server;
  readonly #connections = new WeakMap<Socket, WebConnection>();

  /** @param answer of a request; when it fails the client gets status 500 */
  constructor(answer: (request: WebRequest) => Promise<WebResponse>, bounds: WebBounds) {
    this.#answer = answer;
    this.#bounds = bounds;
    // Never listens itself, so that the deadlines that it has of its own do not run: they begin with listening.
    this.#server = createServer({
      maxHeaderSize: httpLimits.headBytes,
      keepAliveTimeout: bounds.httpIdleMs,
    });
    this.#server.maxHeadersCount = httpLimits.headerLines;
    this.#server.timeout = bounds.httpIdleMs;
    this.#server.on("request", (request, response) => void this.#receive(request, response));
    // Who asks before sending a body is told to go on only where the body is wanted.
    this.#server.on(
      "checkContinue",
      (request, response) => void this.#receive(request, response, () => response.writeContinue()),
    );
  }

  /** Takes over a connection, with what was read from it already. */
  serve(
    socket: Socket,
    events: Pick<WebConnection, "name" | "peerUser" | "gone" | "refused" | "loggedIn">,
    received: Buffer,
  ): void {
    const carrier: WebCarrier = {
      close: () => socket.destroy(),
      isIdle: () => !connection.answering,
      onClosed: (callback) => void socket.once("close", callback),
    };
    const connection: WebConnection = { ...events, carrier, deadline: undefined, answering: false };
    this.#connections.set(socket, connection);
    socket.once("close", () => clearTimeout(connection.deadline));
    cutAfter(socket, connection, this.#bounds.loginMs);
    socket.unshift(received);
    this.#server.emit("connection", socket);
  }

  async #receive(request: IncomingMessage, response: ServerResponse, goOn?: () => void): Promise<void> {
    const { socket, method = "", url = "", headers } = request;
    const connection = this.#connections.get(socket);
    // No program of today sends a request before it has the last answer; one that does has no end of them.
    if (connection === undefined || connection.answering) {
      socket.destroy();
      return;
    }
    connection.answering = true;
    cutAfter(socket, connection, this.#bounds.httpRequestMs);
    let result: WebResponse;
    try {
      result = await this.#answer({
        method,
        target: url,
        headers,
        peerAddress: (socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
        peerUser: connection.peerUser,
        connectionName: connection.name,
        gone: connection.gone,
        connection: connection.carrier,
        body: (limitBytes) => readBody(request, limitBytes, goOn),
      });
    } catch {
      result = { status: 500, headers: { "Content-Type": "text/plain" }, body: "The server failed.\n" };
    }
    if (result.status === 401) connection.refused();
    if (result.loggedIn === true) connection.loggedIn();
    if (socket.destroyed) return;
    const parts = result.parts ?? [Buffer.from(result.body)];
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const sized = { ...result.headers, "Content-Length": length };
    if (!request.complete)
      return this.#refuseRest(request, response, result.status, sized, Buffer.concat(parts));
    clearTimeout(connection.deadline);
    response.once("finish", () => cutAfter(socket, connection, this.#bounds.httpIdleMs));
    response.writeHead(result.status, sized);
    for (const part of parts) {
      if (socket.destroyed) return;
      if (!response.write(part)) await taken(response);
    }
    connection.answering = false;
    response.end();
  }

  /**
   * Answers a request of which not all was read, and closes. What still comes is read and dropped for a while: a close with
   * bytes unread would be a reset, and that can overtake the answer.
   */
  #refuseRest(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    headers: Readonly<Record<string, string | number>>,
    body: Buffer,
  ): void {
    response.writeHead(status, { ...headers, Connection: "close" });
    response.write(body);
    const end = () => {
      clearTimeout(cut);
      response.end();
    };
    const cut = setTimeout(end, this.#bounds.lingerMs);
    request.once("close", end).resume();
  }
}

/** Resolves when what was written is with the system, or never will be. */
function taken(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve).once("close", resolve);
  return promise.finally(() => response.off("drain", resolve).off("close", resolve));
}

/** Puts a new deadline in the place of the last one. */
function cutAfter(socket: Socket, connection: WebConnection, afterMs: number): void {
  clearTimeout(connection.deadline);
  if (!socket.destroyed) connection.deadline = setTimeout(() => socket.destroy(), afterMs);
}

async function readBody(
  request: IncomingMessage,
  limitBytes: number,
  goOn?: () => void,
): Promise<readonly Buffer[] | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return undefined;
  goOn?.();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // What is left unread does not end the connection: the answer is to come.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) return undefined;
    chunks.push(chunk);
    const turn = Promise.withResolvers<void>();
    if (requestQuota.exceeds(chunk.length, turn.resolve)) await turn.promise;
  }
  return chunks;
}
