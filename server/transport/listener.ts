import { createServer, type Server, type Socket } from "node:net";
import { wordsOf } from "../error-words.ts";
import { listenBacklog, listenRetryMs } from "../limits.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { Logger } from "../logger.ts";

/** Calls back once after a delay, unless the returned function is called before. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

export interface ListenerOptions {
  /** TCP port; 0 takes a free one, which the status shows once it listens. */
  readonly port: number;
  /** A listener that is not enabled stays `Stopped`. */
  readonly enabled: boolean;
  /** Addresses to listen on, by preference: the first that this host has is taken. */
  readonly addresses: readonly string[];
  /** Takes over each accepted connection; nothing is read from it yet. */
  readonly accept: (socket: Socket) => void;
  /** Called after each change of {@link Listener.status}. */
  readonly onChange: () => void;
  readonly log: Logger;
  readonly schedule?: Schedule;
}

/** Addresses that stand for all of the host's. */
const wildcards: ReadonlySet<string> = new Set(["::", "0.0.0.0"]);

/**
 * One TCP listener, which keeps trying until it has its port:
 *
 *     Stopped --start--> Listening <--opened-- Error --+
 *                  |         |                   ^     | every 2 s
 *                  +---------+---- port lost ----+-----+
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #schedule: Schedule;
  /** Where it listens, for its status. */
  readonly #place: Pick<ListenerStatus, "address">;
  #status: ListenerStatus;
  #server: Server | undefined;
  #cancelRetry: (() => void) | undefined;
  #started = false;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? scheduleByTimer;
    const [address = ""] = options.addresses;
    this.#place = wildcards.has(address) ? {} : { address };
    this.#status = { ...this.#place, port: options.port, state: "Stopped" };
  }

  get status(): ListenerStatus {
    return this.#status;
  }

  /** Opens the port if the listener is enabled, once; resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    if (this.#started || !this.#options.enabled) return;
    this.#started = true;
    await this.#open();
  }

  /** Closes the port; resolves when it is free. Connections that were accepted stay. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#server?.close();
    this.#server = undefined;
    this.#become({ ...this.#place, port: this.#status.port, state: "Stopped" });
  }

  async #open(): Promise<void> {
    let failure: NodeJS.ErrnoException | undefined;
    for (const address of this.#options.addresses) {
      try {
        const server = await listen(this.#options.port, address, this.#options.accept);
        if (this.#closed) server.close();
        else this.#opened(server);
        return;
      } catch (error) {
        failure = error as NodeJS.ErrnoException;
        if (failure.code !== "EAFNOSUPPORT" && failure.code !== "EADDRNOTAVAIL") break;
      }
    }
    this.#failed(failure ?? new Error("no address to listen on"));
  }

  #opened(server: Server): void {
    this.#server = server;
    server.on("error", (error) => {
      server.close();
      this.#server = undefined;
      this.#failed(error);
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : this.#options.port;
    this.#become({ ...this.#place, port, state: "Listening" });
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#closed) return;
    const { port } = this.#options;
    this.#become({
      ...this.#place,
      port,
      state: "Error",
      reason: reasonOf(error, port, this.#place.address),
    });
    this.#cancelRetry = this.#schedule(() => void this.#open(), listenRetryMs);
  }

  #become(status: ListenerStatus): void {
    const { state, reason } = this.#status;
    this.#status = status;
    if (state === status.state && reason === status.reason) return;
    if (status.reason === undefined) this.#options.log.info(`listener ${status.port}: ${status.state}`);
    else this.#options.log.warn(`listener ${status.port}: ${status.state}: ${status.reason}`);
    this.#options.onChange();
  }
}

function listen(port: number, host: string, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true }, accept);
    server.once("error", reject);
    server.listen({ port, host, backlog: listenBacklog }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** Says why a port could not be opened, and the way out. */
function reasonOf(error: NodeJS.ErrnoException, port: number, address = "to listen on"): string {
  switch (error.code ?? "") {
    case "EADDRINUSE":
      return `EADDRINUSE: another program uses TCP port ${port}; it is taken over once that program stops (\`ss -ltnp 'sport = :${port}'\` tells which)`;
    case "EACCES":
      return `EACCES: TCP port ${port} needs root here; run the server in service mode, or lower net.ipv4.ip_unprivileged_port_start`;
    case "EADDRNOTAVAIL":
      return `EADDRNOTAVAIL: this host does not have the address ${address}; it is taken once the host has it, and another can be named with ListenIP in vpn_server.config`;
    default:
      return wordsOf(error);
  }
}

function scheduleByTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
