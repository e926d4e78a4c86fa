import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { syslogLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { logTime } from "./log-time.ts";
import type { SyslogKind } from "./log-writer.ts";

/** The server that takes the lines; an empty host is none. */
export interface SyslogDestination {
  readonly host: string;
  readonly port: number;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

export interface SyslogSenderOptions {
  readonly destination: () => SyslogDestination;
  readonly log: Logger;
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
  /** Finds the address of a name. */
  readonly resolve?: (host: string) => Promise<Address>;
}

/**
 * Sends lines to a syslog server, one UDP datagram each (`Cedar/Logging.c` SendSysLog, `Cedar/Server.c` SiWriteSysLog):
 *
 *     [host/VPN/HUB] (2026-01-31 23:59:59.007) <SECURITY_LOG>: text
 *
 * without `/HUB` for the server's own. As with the official server there is no priority before it, for which RFC 3164 has
 * `user.notice` assumed. Never waits and never throws: what cannot be sent is dropped, which is told once.
 */
export class SyslogSender {
  readonly #options: SyslogSenderOptions;
  readonly #sockets = new Map<number, Socket>();
  #waiting: Buffer[] = [];
  #sending = 0;
  #host = "";
  #address: Address | undefined;
  /** Unix time in milliseconds. */
  #resolveAt = 0;
  /** A name that is never found may not hold more than one of the runtime's threads. */
  #resolving = false;
  #fails = false;
  #closed = false;

  constructor(options: SyslogSenderOptions) {
    this.#options = options;
  }

  send(kind: SyslogKind, hubName: string | undefined, text: string): void {
    const { host, port } = this.#options.destination();
    if (this.#closed || host === "" || port === 0) return;
    const unixNow = (this.#options.unixNow ?? Date.now)();
    if (host !== this.#host) {
      this.#host = host;
      this.#address = undefined;
      this.#waiting = [];
      this.#resolveAt = 0;
    }
    if (!this.#resolving && unixNow >= this.#resolveAt) void this.#resolve(host, unixNow);
    if (this.#waiting.length + this.#sending >= syslogLimits.waiting) {
      this.#failed("lines wait already, and the new ones are dropped");
      return;
    }
    const { date, time } = logTime(unixNow);
    const place = hubName === undefined ? "VPN" : `VPN/${hubName}`;
    const line = Buffer.from(`[${hostname()}/${place}] (${date} ${time}) <${kind}>: ${text}`);
    const datagram = line.subarray(0, syslogLimits.messageBytes);
    if (this.#address !== undefined) this.#write(datagram, this.#address, port);
    else if (this.#resolving) this.#waiting.push(datagram);
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  async #resolve(host: string, unixNow: number): Promise<void> {
    const { resolve = lookup } = this.#options;
    this.#resolving = true;
    let found: Address | undefined;
    let reason = "";
    try {
      found = await resolve(host);
    } catch (error) {
      reason = (error as Error).message;
    }
    this.#resolving = false;
    if (this.#closed || host !== this.#host) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#resolveAt = unixNow + (found === undefined ? syslogLimits.retryMs : syslogLimits.addressMs);
    // The address of before goes on, as long as there is no other.
    this.#address = found ?? this.#address;
    if (this.#address === undefined) this.#failed(reason);
    else {
      for (const datagram of waiting) {
        this.#write(datagram, this.#address, this.#options.destination().port);
      }
    }
  }

  #write(datagram: Buffer, { address, family }: Address, port: number): void {
    this.#sending++;
    this.#socketOf(family).send(datagram, port, address, (error) => {
      this.#sending--;
      if (error !== null) this.#failed(error.message);
      else this.#fails = false;
    });
  }

  #socketOf(family: number): Socket {
    const open = this.#sockets.get(family);
    if (open !== undefined) return open;
    const socket = createSocket({ type: family === 6 ? "udp6" : "udp4" });
    this.#sockets.set(family, socket);
    socket.on("error", (error) => {
      this.#failed(error.message);
      if (this.#sockets.get(family) === socket) this.#sockets.delete(family);
      socket.close();
    });
    socket.unref();
    return socket;
  }

  #failed(reason: string): void {
    if (!this.#fails) this.#options.log.warn(`cannot send to the syslog server ${this.#host}: ${reason}`);
    this.#fails = true;
  }
}
