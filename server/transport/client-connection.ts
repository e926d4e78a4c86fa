import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { closeGently } from "./close-gently.ts";
import { Deadline } from "./deadline.ts";
import { canLeaveTls, leaveTls, stopReading } from "./plain-text.ts";
import type { RefusalReason } from "./refusals.ts";

/**
 * What a connection goes on as. The client of a session or of the administration was let in, and the bounds of those that were not
 * are no longer its own; what speaks HTTP logs in with each request.
 */
export type Use = "session" | "administration" | "web";

export interface ClientConnectionOptions {
  readonly socket: Socket;
  readonly name: string;
  /** With the number of the user, for one of this host. */
  readonly peer: { readonly address: string; readonly port: number; readonly user?: number | undefined };
  /** Until when the client has to be let in, and until when a client that was answered has to close. */
  readonly bounds: { readonly loginMs: number; readonly lingerMs: number };
  /**
   * Does something when it is its turn, or `late` when that is too late.
   *
   * @returns what takes it back as long as it waits; undefined when it is done
   */
  readonly paced: (run: () => void, late: () => void) => (() => void) | undefined;
  /** Counts what was refused. */
  readonly refused: (reason: RefusalReason) => void;
  /** Called when the connection has a use. */
  readonly onUse: (use: Use) => void;
  /** Called when its client has logged in. */
  readonly onLogin: () => void;
  /** Called when another socket has taken the place of the first. */
  readonly onClear: (socket: Socket) => void;
}

/**
 * A connection whose client has not been let in yet, as protocols see it. What comes in is heard when it is its turn, and
 * the client has a deadline, which does not run while it waits for the server.
 */
export class ClientConnection {
  /** Such as `CID-7`. */
  readonly name: string;
  readonly peer: ClientConnectionOptions["peer"];
  readonly #options: ClientConnectionOptions;
  readonly #socket: Socket;
  #hear: (chunk: Buffer) => void = () => {};
  #deadline: Deadline;
  /** Nothing is heard any more: it was closed or handed over. */
  #ended = false;
  #takeBack: (() => void) | undefined;
  #gone: AbortController | undefined;

  constructor(options: ClientConnectionOptions) {
    const { socket, name, peer, bounds, refused } = options;
    this.#options = options;
    this.#socket = socket;
    this.name = name;
    this.peer = peer;
    this.#deadline = new Deadline(bounds.loginMs, () => {
      this.#ended = true;
      refused("login-deadline");
      socket.destroy();
    });
    socket.on("data", this.#receive);
    socket.once("close", () => {
      this.#deadline.pause();
      this.#takeBack?.();
      this.#gone?.abort();
      if (!this.#ended) refused("connection-lost");
    });
  }

  /** Whether the connection can go on without TLS. */
  get canLeaveTls(): boolean {
    return this.#socket instanceof TLSSocket && canLeaveTls(this.#socket);
  }

  /** Aborted when the connection has ended. */
  get gone(): AbortSignal {
    // Most connections are not waited for, and so have none.
    this.#gone ??= new AbortController();
    if (this.#socket.closed) this.#gone.abort();
    return this.#gone.signal;
  }

  /** Who hears what comes in from now on. */
  hear(hear: (chunk: Buffer) => void): void {
    this.#hear = hear;
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Remembers that somebody has logged in from where this connection comes. */
  loggedIn(): void {
    this.#options.onLogin();
  }

  /** Counts a refusal. */
  refused(reason: RefusalReason): void {
    this.#options.refused(reason);
  }

  /** Ends the connection: gently, so that what was sent arrives, or at once. Nothing is heard after this. */
  close(how: "after-sending" | "at-once"): void {
    this.#ended = true;
    this.#deadline.pause();
    if (how === "at-once") {
      this.#socket.destroy();
      return;
    }
    // Closed by the client, which has the answer then. What it still sends is read and dropped meanwhile: a close
    // with bytes unread would be a reset, and that can overtake the answer.
    this.#deadline = new Deadline(this.#options.bounds.lingerMs, () => this.#socket.destroy());
    this.#socket.end();
  }

  /** Hands the connection over, without bounds of its own. Nothing is heard after this. */
  handOver(use: Use): Socket {
    this.#ended = true;
    this.#deadline.pause();
    this.#socket.off("data", this.#receive);
    this.#options.onUse(use);
    if (use !== "web") this.loggedIn();
    return this.#socket;
  }

  /**
   * Hands the connection of a session over without TLS, once what was sent is with the system.
   *
   * @param received what came in by TLS already
   * @param goOn gets the connection, and all that came in by TLS
   */
  handOverInClear(received: Buffer, goOn: (socket: Socket, received: Buffer) => void): void {
    const socket = this.handOver("session");
    if (!(socket instanceof TLSSocket)) return goOn(socket, received);
    stopReading(socket);
    const rest = socket.read() as Buffer | null;
    const all = rest === null ? received : Buffer.concat([received, rest]);
    // An empty write comes after the answer, and tells when that is with the system.
    socket.write("", () => {
      const plain = leaveTls(socket);
      if (plain !== socket) this.#options.onClear(plain);
      goOn(plain, all);
    });
  }

  /** Says goodbye on a connection that was handed over; see {@link closeGently}. */
  closeGently(socket: Socket): void {
    closeGently(socket, this.#options.bounds.lingerMs);
  }

  readonly #receive = (chunk: Buffer): void => {
    // What comes in after the end is dropped.
    if (this.#ended) return;
    this.#takeBack = this.#options.paced(
      () => {
        this.#deadline.resume();
        this.#socket.resume();
        this.#hear(chunk);
      },
      () => {
        this.#ended = true;
      },
    );
    if (this.#takeBack === undefined) return;
    // The client waits for the server now, which holds no more than it has.
    this.#deadline.pause();
    this.#socket.pause();
  };
}
