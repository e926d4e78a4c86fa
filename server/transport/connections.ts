import { constants, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import { connectionLimits, handshakeLimits } from "../limits.ts";
import type { Join, MethodAnswer, MethodRequest } from "../session/method.ts";
import { productName, protocolVersion } from "../version.ts";
import { helloRandomBytes } from "../wire/hello.ts";
import type { ServerCertificate } from "./certificate.ts";
import { openDataChannel } from "./data-channel.ts";
import { ServerHandshake } from "./handshake.ts";
import { canLeaveTls, leaveTls, stopReading } from "./plain-text.ts";
import { Refusals, type RefusalCounts } from "./refusals.ts";

/** Bounds of the connections; the defaults are those of `server/limits.ts`. */
export interface ConnectionBounds {
  readonly total: number;
  readonly perAddress: number;
  readonly tlsMs: number;
  readonly loginMs: number;
  readonly lingerMs: number;
}

export interface ConnectionsOptions {
  readonly certificate: ServerCertificate;
  /** Answers what a client asks for after the hello; see `AnswerMethod`. */
  readonly answerMethod: (request: MethodRequest) => MethodAnswer | Promise<MethodAnswer>;
  readonly bounds?: Partial<ConnectionBounds>;
}

/**
 * All TCP connections of all listeners, from accepted to closed: the caps, TLS, the handshake on it, and the deadlines of
 * each step. Whatever a peer does or sends ends at most its own connection.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #tls: TlsServer;
  readonly #answerMethod: ConnectionsOptions["answerMethod"];
  readonly #open = new Set<Socket>();
  /** Those of them that are not part of a session, by both ends; with the address. */
  readonly #pending = new Map<string, string>();
  readonly #perAddress = new Map<string, number>();
  readonly #refusals = new Refusals();
  #accepted = 0;

  constructor(options: ConnectionsOptions) {
    const { certificate, answerMethod, bounds } = options;
    this.#answerMethod = answerMethod;
    this.#bounds = { ...connectionLimits, ...handshakeLimits, ...bounds };
    // Never listens itself: the listeners hand their sockets to it, so that all share one TLS configuration.
    this.#tls = createServer({
      cert: certificate.certificatePem,
      key: certificate.keyPem,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
      handshakeTimeout: this.#bounds.tlsMs,
    });
    this.#tls.on("secureConnection", (socket) => this.#serve(socket));
    this.#tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#refusals.add(error.code === "ERR_TLS_HANDSHAKE_TIMEOUT" ? "tls-deadline" : "tls-failed");
      socket.destroy();
    });
  }

  /** Connections that are open now. */
  get size(): number {
    return this.#open.size;
  }

  /** What was refused since the start. */
  refusals(): RefusalCounts {
    return this.#refusals.snapshot();
  }

  /** Takes over a connection that a listener accepted. */
  accept(socket: Socket): void {
    // Without a handler an error of any one socket would end the process; the close that follows does the rest.
    socket.on("error", () => {});
    const ends = endsOf(socket);
    const address = addressOf(socket);
    const fromAddress = this.#perAddress.get(address) ?? 0;
    if (this.#pending.size >= this.#bounds.total || fromAddress >= this.#bounds.perAddress) {
      this.#refusals.add(
        this.#pending.size >= this.#bounds.total ? "connections-total" : "connections-per-address",
      );
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    this.#pending.set(ends, address);
    this.#perAddress.set(address, fromAddress + 1);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#noLongerPending(ends);
    });
    socket.setNoDelay(true);
    this.#tls.emit("connection", socket);
  }

  /**
   * Resolves when every connection is closed: at once those that have not logged in; those of sessions, which ended before, when
   * their clients answered the goodbye or did not in time.
   */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#open].map(
        (socket) =>
          new Promise<void>((resolve) => {
            const cut = setTimeout(() => socket.destroy(), this.#bounds.lingerMs);
            socket.once("close", () => {
              clearTimeout(cut);
              resolve();
            });
            if (this.#pending.has(endsOf(socket))) socket.destroy();
          }),
      ),
    );
  }

  #noLongerPending(ends: string): void {
    const address = this.#pending.get(ends);
    if (address === undefined) return;
    this.#pending.delete(ends);
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }

  /** Runs the handshake on an encrypted connection. */
  #serve(socket: TLSSocket): void {
    const connectionName = `CID-${++this.#accepted}`;
    const challenge = randomBytes(helloRandomBytes);
    const peer = { address: addressOf(socket), port: socket.remotePort ?? 0 };
    let ended = false;
    const handshake = new ServerHandshake({
      hello: { product: productName, ...protocolVersion, random: challenge },
      answerMethod: (pack) =>
        this.#answerMethod({ pack, challenge, connectionName, peer, canLeaveTls: canLeaveTls(socket) }),
      now: () => new Date(),
      actions: {
        send: (bytes) => socket.write(bytes),
        refused: (reason) => this.#refusals.add(reason),
        close: (how) => {
          ended = true;
          clearTimeout(deadline);
          if (how === "at-once") return socket.destroy();
          // Closed by the client, which has the answer then. What it still sends is read and dropped meanwhile: a close
          // with bytes unread would be a reset, and that can overtake the answer.
          deadline = setTimeout(() => socket.destroy(), this.#bounds.lingerMs);
          socket.end();
        },
        join: (join, received) => {
          ended = true;
          clearTimeout(deadline);
          socket.off("data", receive);
          this.#joinSession(socket, connectionName, join, received);
        },
      },
    });
    const receive = (chunk: Buffer) => handshake.receive(chunk);
    let deadline = setTimeout(() => {
      ended = true;
      this.#refusals.add("login-deadline");
      socket.destroy();
    }, this.#bounds.loginMs);
    socket.on("error", () => {});
    socket.on("data", receive);
    socket.once("close", () => {
      clearTimeout(deadline);
      if (!ended) this.#refusals.add("connection-lost");
    });
  }

  #joinSession(socket: TLSSocket, name: string, join: Join, received: Buffer): void {
    this.#noLongerPending(endsOf(socket));
    if (join.encrypt) {
      openDataChannel(socket, name, join, received, this.#bounds.lingerMs);
      return;
    }
    stopReading(socket);
    // An empty write comes after the answer, and tells when that is with the system.
    socket.write("", () => openDataChannel(leaveTls(socket), name, join, received, this.#bounds.lingerMs));
  }
}

/** The peer's address, in one form for IPv4 on either kind of socket. */
function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "gone").replace(/^::ffff:/, "");
}

/** Tells a connection from every other that is open. TLS socket and TCP socket of one connection give the same. */
function endsOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}|${socket.localAddress}|${socket.localPort}`;
}
