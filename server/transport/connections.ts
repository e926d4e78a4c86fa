import { constants } from "node:crypto";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  DEFAULT_CIPHERS,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import { openAccess } from "../settings/server-access.ts";
import { type TlsAccess } from "../settings/server-access.ts";
import { ServerError } from "../errors.ts";
import { connectionLimits, handshakeLimits } from "../limits.ts";
import { isLoopback } from "../ethernet/loopback.ts";
import { networkOf } from "../ethernet/ip-address.ts";
import type { ServerCertificate } from "../identity/certificate.ts";
import type { ConnectionLog } from "./connection-log.ts";
import type { PacedJob, PacedOwner, Pacer } from "./pacer.ts";
import { goOnReading, holdReading } from "./reading.ts";
import { Refusals, type RefusalCounts } from "./refusals.ts";
import { Places, type Eviction } from "./places.ts";
import { recognize, type StreamProtocol } from "./stream-protocol.ts";
import { ClientConnection, type Use } from "./client-connection.ts";

const tls13Ciphers = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/** Bounds of the connections; the defaults are those of `server/limits.ts`. */
export interface ConnectionBounds {
  readonly loginMs: number;
  readonly lingerMs: number;
  readonly total: number;
  readonly perAddress: number;
  readonly perSite: number;
  readonly probeMs: number;
  readonly tlsMs: number;
}

export interface ConnectionsOptions {
  readonly certificate: ServerCertificate;
  /** TLS cipher that an administrator chose, or a list of them, by OpenSSL's names; empty for the runtime's choice. */
  readonly ciphers?: string;
  /** Versions of TLS, and how strong all has to be that it is made of. */
  readonly tls?: TlsAccess;
  /** What clients may speak inside of TLS; the first that recognizes a client serves it. */
  readonly protocols: readonly StreamProtocol[];
  /** What they may speak instead of TLS. Looking for it costs every TLS connection memory, so none is asked for by default. */
  readonly clearProtocols?: readonly StreamProtocol[];
  /** Says when the costly parts of handshake and login are done. */
  readonly pacer: Pacer;
  /** Told of each connection once it is encrypted. */
  readonly log?: ConnectionLog;
  readonly host?: HostSockets;
  readonly bounds?: Partial<ConnectionBounds>;
}

/** What the host knows and does about connections, where it can be asked. */
export interface HostSockets {
  /** Bounds what is held of a connection whose peer does not read, until it closes. To say so twice does nothing. */
  boundUnsent(socket: Socket): void;
  /** Which user of this host is at the other end, by number; for connections from this host. */
  userOf(socket: Socket): number | undefined;
}

/** What is known of a connection that is no part of a session. */
export interface PendingConnection {
  /** Such as `CID-7`. */
  readonly name: string;
  readonly peer: { readonly address: string; readonly port: number };
  /** Unix time in milliseconds. */
  readonly connectedAt: number;
  /** Whether an administrator uses it. */
  readonly administers: boolean;
}

/**
 * All TCP connections of all listeners, from accepted to closed: the caps, TLS, the handshake on it, and the deadlines of
 * each step. Whatever a peer does or sends ends at most its own connection.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #tls: TlsServer;
  readonly #tlsAccess: TlsAccess;
  readonly #protocols: readonly StreamProtocol[];
  readonly #clearProtocols: readonly StreamProtocol[];
  readonly #open = new Set<Socket>();
  /** The same by both ends. */
  readonly #byEnds = new Map<string, Socket>();
  /** Those of them that have not logged in, by both ends. */
  readonly #places: Places<string>;
  /** Those of them that became part of a session, by both ends. */
  readonly #inSession = new Set<string>();
  /** The encrypted ones of them, by name. */
  readonly #named = new Map<string, { readonly socket: Socket; connection: PendingConnection }>();
  readonly #refusals = new Refusals();
  readonly #pacer: Pacer;
  readonly #log: ConnectionLog | undefined;
  readonly #host: HostSockets | undefined;
  #accepted = 0;
  #lastFullAt = -Infinity;

  constructor(options: ConnectionsOptions) {
    const { certificate, ciphers = "", tls = openAccess.tls, bounds } = options;
    this.#tlsAccess = tls;
    this.#log = options.log;
    this.#host = options.host;
    this.#pacer = options.pacer;
    this.#protocols = options.protocols;
    this.#clearProtocols = options.clearProtocols ?? [];
    this.#bounds = { ...connectionLimits, ...handshakeLimits, ...bounds };
    this.#places = new Places(this.#bounds);
    // Never listens itself: the listeners hand their sockets to it, so that all share one TLS configuration.
    this.#tls = createServer({
      ...contextOf(certificate, ciphers, tls),
      handshakeTimeout: this.#bounds.tlsMs,
    });
    this.#tls.on("secureConnection", (socket) => {
      socket.on("error", () => {});
      const serve = this.#jobOf(socket, () => this.#serve(socket));
      const waits = this.#pacer.run(serve, ownerOf(socket));
      if (waits !== undefined) socket.once("close", waits);
    });
    this.#tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#refusals.add(error.code === "ERR_TLS_HANDSHAKE_TIMEOUT" ? "tls-deadline" : "tls-failed");
      socket.destroy();
    });
  }

  /** Connections that are open now. */
  get size(): number {
    return this.#open.size;
  }

  /** Those that are no part of a session. */
  pending(): PendingConnection[] {
    return [...this.#named.values()].map(({ connection }) => connection);
  }

  /** Cuts a connection that is no part of a session; false when there is none of this name. */
  disconnect(name: string): boolean {
    const found = this.#named.get(name);
    found?.socket.destroy();
    return found !== undefined;
  }

  /**
   * Shows another certificate, or takes other ciphers, from the next connection on.
   *
   * @param ciphers see {@link ConnectionsOptions.ciphers}
   * @throws {ServerError} STATE_INVALID when the certificate is weaker than what is taken; nothing has changed then
   */
  useTls(certificate: ServerCertificate, ciphers: string): void {
    this.#tls.setSecureContext(contextOf(certificate, ciphers, this.#tlsAccess));
  }

  /** Whether connections had to make room, or waited for their turn for too long, a short time ago. */
  get isFull(): boolean {
    return performance.now() - this.#lastFullAt < connectionLimits.fullMs;
  }

  /** What was refused since the start. */
  refusals(): RefusalCounts {
    return this.#refusals.snapshot();
  }

  /** Takes over a connection that a listener accepted and did not begin to read from. */
  accept(socket: Socket): void {
    // Without a handler an error of any one socket would end the process; the close that follows does the rest.
    socket.on("error", () => {});
    if (socket.remoteAddress === undefined) {
      this.#refusals.add("connection-lost");
      socket.destroy();
      return;
    }
    const ends = endsOf(socket);
    this.#open.add(socket);
    this.#byEnds.set(ends, socket);
    socket.once("close", () => this.#forget(socket, ends));
    const evicted = this.#places.take(ends, addressOf(socket), isOwnHost(socket));
    if (evicted !== undefined) this.#makeRoom(evicted);
    socket.setNoDelay(true);
    // An administrator's connection may be silent for days; that of a peer that is gone must not stay.
    socket.setKeepAlive(true, this.#bounds.probeMs);
    const start = {
      ...this.#jobOf(socket, () => this.#begin(socket)),
      heard: () => socket.bytesRead > 0 || socket.destroyed,
      hold: () => holdReading(socket),
      listen: () => goOnReading(socket),
    };
    const waits = this.#pacer.start(start, ownerOf(socket));
    if (waits !== undefined) socket.once("close", waits);
  }

  /** Begins TLS, after a look at the first bytes where a client may speak something else. */
  #begin(socket: Socket): void {
    if (this.#clearProtocols.length === 0) return this.#beginTls(socket);
    const deadline = setTimeout(() => {
      this.#refusals.add("tls-deadline");
      socket.destroy();
    }, this.#bounds.tlsMs);
    socket.once("close", () => clearTimeout(deadline));
    // Joined again with each piece, which costs little however small they are: a protocol is known by firstBytes.
    let first = Buffer.alloc(0);
    const look = (chunk: Buffer) => {
      first = Buffer.concat([first, chunk]);
      const protocol = recognize(this.#clearProtocols, first);
      if (protocol === undefined) return;
      clearTimeout(deadline);
      socket.off("data", look);
      if (protocol !== "none") return protocol.serve(this.#connectionOf(socket, protocol.name), first);
      socket.pause();
      socket.unshift(first);
      this.#beginTls(socket);
    };
    socket.on("data", look);
    socket.resume();
  }

  #beginTls(socket: Socket): void {
    this.#tls.emit("connection", socket);
  }

  /** A part of the handshake, for the pacer. */
  #jobOf(socket: Socket, run: () => void): PacedJob {
    return {
      // A connection may be gone before its close is told, and then has no cipher, no address and no use for an answer.
      run: () => {
        if (!socket.destroyed) run();
      },
      late: () => {
        this.#refusals.add("overload");
        this.#lastFullAt = performance.now();
        socket.destroy();
      },
    };
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
            if (!this.#inSession.has(endsOf(socket))) socket.destroy();
          }),
      ),
    );
  }

  /** Closes a connection whose place another one has. */
  #makeRoom({ holder, bound }: Eviction<string>): void {
    this.#refusals.add(`connections-${bound}`);
    this.#lastFullAt = performance.now();
    const socket = this.#byEnds.get(holder);
    if (socket === undefined) return;
    this.#forget(socket, holder);
    socket.destroy();
  }

  #forget(socket: Socket, ends: string): void {
    this.#open.delete(socket);
    // Another connection may have the same ends by now.
    if (this.#byEnds.get(ends) !== socket) return;
    this.#byEnds.delete(ends);
    this.#places.leave(ends);
    this.#inSession.delete(ends);
  }

  /** Serves an encrypted connection, once it is known what its client speaks. */
  #serve(socket: TLSSocket): void {
    const encryption = `${socket.getProtocol() ?? "TLS"}, ${socket.getCipher().standardName}`;
    const connection = this.#connectionOf(socket, encryption);
    let first = Buffer.alloc(0);
    connection.hear((chunk) => {
      first = Buffer.concat([first, chunk]);
      const protocol = recognize(this.#protocols, first);
      if (protocol === undefined) return;
      if (protocol !== "none") return protocol.serve(connection, first);
      connection.refused("protocol-unknown");
      connection.close("at-once");
    });
  }

  /** @param encryption for the log */
  #connectionOf(socket: Socket, encryption: string): ClientConnection {
    const name = `CID-${++this.#accepted}`;
    const user = isOwnHost(socket) ? this.#host?.userOf(socket) : undefined;
    const peer = { address: addressOf(socket), port: socket.remotePort ?? 0, user };
    this.#log?.began({ name, peer, port: socket.localPort ?? 0, encryption });
    this.#named.set(name, {
      socket,
      connection: { name, peer, connectedAt: Date.now(), administers: false },
    });
    socket.once("close", () => {
      this.#named.delete(name);
      this.#log?.ended(name);
    });
    return new ClientConnection({
      socket,
      name,
      peer,
      bounds: this.#bounds,
      paced: (run, late) => {
        const job = this.#jobOf(socket, run);
        return this.#pacer.run({ run, late: () => (late(), job.late()) }, ownerOf(socket));
      },
      refused: (reason) => this.#refusals.add(reason),
      onUse: (use) => this.#use(socket, name, use),
      onLogin: () => this.#places.know(peer.address),
      onClear: (plain) => plain.once("close", () => this.#log?.ended(name)),
    });
  }

  #use(socket: Socket, name: string, use: Use): void {
    const ends = endsOf(socket);
    const carrier = this.#byEnds.get(ends);
    if (carrier !== undefined) this.#host?.boundUnsent(carrier);
    if (use === "session") {
      this.#named.delete(name);
      this.#inSession.add(ends);
    } else {
      const named = this.#named.get(name);
      if (named !== undefined) named.connection = { ...named.connection, administers: true };
    }
    // By HTTP each request logs in, so that such a connection keeps its place.
    if (use !== "web") this.#places.leave(ends);
  }
}

/** @throws {ServerError} STATE_INVALID when the certificate is weaker than what is taken */
function contextOf({ certificatePem, keyPem }: ServerCertificate, ciphers: string, tls: TlsAccess) {
  const { leastVersion, mostVersion, securityLevel } = tls;
  const context = {
    cert: certificatePem,
    key: keyPem,
    minVersion: leastVersion,
    maxVersion: mostVersion,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...cipherOptions(ciphers, securityLevel),
  } as const;
  if (securityLevel === undefined) return context;
  try {
    createSecureContext(context);
    return context;
  } catch (error) {
    throw new ServerError(
      "STATE_INVALID",
      `the certificate of the server is not of the security level ${securityLevel} that Override_Security_Level_Value in vpn_server.config asks for (${(error as Error).message}): give the server a certificate with a longer key, or lower that value`,
      { cause: error },
    );
  }
}

/**
 * TLS 1.3 has ciphers of its own, and a client that speaks it keeps to those: chosen ciphers of TLS 1.2 are taken by clients of
 * TLS 1.2, and the others keep theirs. A name that OpenSSL does not know, `~DEFAULT~` among them, chooses nothing, as with the
 * official server (`Mayaqua/Network.c` StartSSLEx).
 */
function cipherOptions(list: string, securityLevel: number | undefined) {
  const level = securityLevel === undefined ? "" : `:@SECLEVEL=${securityLevel}`;
  const known = [list, list.toUpperCase()].find(isCipherList);
  if (known === undefined) return level === "" ? {} : { ciphers: `${DEFAULT_CIPHERS}${level}` };
  return { ciphers: `${/(^|:)TLS_/.test(known) ? known : `${known}:${tls13Ciphers}`}${level}` };
}

function isCipherList(list: string): boolean {
  if (list === "") return false;
  try {
    createSecureContext({ ciphers: list });
    return true;
  } catch {
    return false;
  }
}

/** The peer's address, in one form for IPv4 on either kind of socket. */
function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "gone").replace(/^::ffff:/, "");
}

/** For the pacer: whose connection it is. Who administers the server on its own host does not wait for the network. */
function ownerOf(socket: Socket): PacedOwner {
  const address = addressOf(socket);
  return { name: networkOf(address), urgent: isOwnHost(socket) };
}

/** Whether the peer is on this host, by whatever address of it. */
function isOwnHost(socket: Socket): boolean {
  const address = addressOf(socket);
  return isLoopback(address) || address === (socket.localAddress ?? "").replace(/^::ffff:/, "");
}

/** Tells a connection from every other that is open. TLS socket and TCP socket of one connection give the same. */
function endsOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}|${socket.localAddress}|${socket.localPort}`;
}
