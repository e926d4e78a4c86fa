import { createSocket } from "node:dgram";
import { lookup } from "node:dns";
import { connect } from "node:net";
import type { KeepAliveSettings } from "../settings/server-settings.ts";
import { keepAliveLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";

/** What the official server sends (`KEEP_ALIVE_STRING`); nobody reads it. */
const packet = Buffer.from("Internet Connection Keep Alive Packet");

/** Stops what one run of the sender has begun. */
type Stop = () => void;

/**
 * Sends a packet to some host now and then, so that a line or an address translation on the way is kept open. Over TCP on one
 * connection, which is opened anew when it is lost.
 *
 * Source: `Cedar/Connection.c` KeepThread.
 */
export class KeepAliveSender {
  readonly #log: Logger;
  #settings: KeepAliveSettings | undefined;
  #stop: Stop = () => {};
  /** A name that is never found may not hold more than one of the runtime's threads. */
  #resolving = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Goes on as these settings say, from now on. */
  apply(settings: KeepAliveSettings): void {
    if (settings === this.#settings) return;
    this.close();
    this.#settings = settings;
    if (settings.enabled && settings.host !== "" && settings.port !== 0) this.#begin(settings);
  }

  close(): void {
    this.#stop();
    this.#stop = () => {};
    this.#settings = undefined;
  }

  #begin(settings: KeepAliveSettings): void {
    let failed = false;
    let end: Stop = () => {};
    const run = () => {
      end = this.#resolve(settings.host, (found) => {
        const begin = settings.protocol === "tcp" ? overTcp : overUdp;
        end = found instanceof Error ? onceAfter(0, () => lost(found)) : begin(found, settings, sent, lost);
      });
    };
    const sent = () => {
      failed = false;
    };
    const lost = (error: Error | undefined) => {
      if (error !== undefined && !failed) {
        this.#log.warn(`keep-alive to ${settings.host}:${settings.port}: ${error.message}`);
      }
      failed = error !== undefined;
      end = onceAfter(failed ? keepAliveLimits.retryMs : settings.intervalSeconds * 1000, run);
    };
    run();
    this.#stop = () => end();
  }

  /** @returns stops it; `done` is not called then */
  #resolve(host: string, done: (found: string | Error) => void): Stop {
    let stopped = false;
    const finish = (found: string | Error) => {
      if (!stopped) done(found);
    };
    if (this.#resolving) {
      const cancel = onceAfter(0, () => finish(new Error("the former name is being looked up still")));
      return cancel;
    }
    this.#resolving = true;
    lookup(host, (error, address) => {
      this.#resolving = false;
      finish(error ?? address);
    });
    return () => {
      stopped = true;
    };
  }
}

/** @param lost called once, with the error or with none when the other side closed */
function overTcp(
  address: string,
  { port, intervalSeconds }: KeepAliveSettings,
  sent: () => void,
  lost: (error: Error | undefined) => void,
): Stop {
  const socket = connect({ host: address, port });
  let failure: Error | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = () => {
    // What the other side does not take does not pile up.
    if (socket.writableLength === 0) socket.write(packet, (error) => void (error ?? sent()));
  };
  const patience = setTimeout(
    () => socket.destroy(new Error("no connection in time")),
    keepAliveLimits.connectMs,
  );
  socket.unref();
  patience.unref();
  socket.once("connect", () => {
    clearTimeout(patience);
    send();
    timer = setInterval(send, intervalSeconds * 1000);
    timer.unref();
  });
  socket.on("error", (error) => (failure = error));
  // What comes in is read and dropped.
  socket.resume();
  socket.once("close", () => {
    clearTimeout(patience);
    clearInterval(timer);
    lost(failure);
  });
  return () => {
    clearTimeout(patience);
    clearInterval(timer);
    socket.removeAllListeners("close");
    socket.destroy();
  };
}

function overUdp(
  address: string,
  { port, intervalSeconds }: KeepAliveSettings,
  sent: () => void,
  lost: (error: Error | undefined) => void,
): Stop {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const stop = () => {
    clearInterval(timer);
    socket.removeAllListeners();
    socket.close();
  };
  const fail = (error: Error) => {
    stop();
    lost(error);
  };
  const send = () =>
    socket.send(packet, port, address, (error) => {
      if (error === null) sent();
      else fail(error);
    });
  const timer = setInterval(send, intervalSeconds * 1000);
  timer.unref();
  socket.unref();
  socket.once("error", fail);
  send();
  return stop;
}

function onceAfter(delayMs: number, callback: () => void): Stop {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
