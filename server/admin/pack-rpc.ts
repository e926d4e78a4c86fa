import { rpcPackLimits } from "../limits.ts";
import type { ConnectionEvents, SessionConnection } from "../protocols/softether/session-connection.ts";
import { ByteQueue } from "../wire/byte-queue.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { decodePack, encodePack, type Pack } from "../wire/pack.ts";
import { errorPack } from "../wire/protocol-error.ts";

/** Bytes of the length before each PACK. */
const lengthBytes = 4;

export interface PackRpcOptions {
  /** Longest request in bytes. */
  readonly requestBytes: number;
  /** Never fails; `end` of one who may not ask any more. */
  readonly answer: (request: Pack) => Promise<Pack | "end">;
  readonly onClosed: () => void;
}

/**
 * The administration on one connection after the login: requests and replies alternate, each a `u32` length (big-endian) and
 * a PACK. What comes in before a reply is with the system waits, so that nobody piles up replies by not reading them. Anything
 * that is no request ends the connection.
 *
 * Source: `Cedar/Remote.c` RpcServer.
 */
export class PackRpcConnection implements ConnectionEvents {
  readonly #connection: SessionConnection;
  readonly #options: PackRpcOptions;
  readonly #queue = new ByteQueue();
  #length: number | undefined;
  #state: "idle" | "answering" | "closed" = "idle";

  constructor(connection: SessionConnection, options: PackRpcOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  receive(chunk: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#queue.length + chunk.length > this.#options.requestBytes + lengthBytes) {
      this.#connection.close();
      return;
    }
    this.#queue.push(chunk);
    this.#step();
  }

  closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#options.onClosed();
  }

  #step(): void {
    if (this.#state !== "idle") return;
    this.#length ??= this.#queue.take(lengthBytes)?.readUInt32BE();
    if (this.#length === undefined) return;
    if (this.#length === 0 || this.#length > this.#options.requestBytes) {
      this.#connection.close();
      return;
    }
    const bytes = this.#queue.take(this.#length);
    if (bytes === undefined) return;
    this.#length = undefined;
    let request: Pack;
    try {
      request = decodePack(bytes, rpcPackLimits);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#connection.close();
      return;
    }
    this.#state = "answering";
    void this.#options.answer(request).then((reply) => {
      if (reply !== "end") this.#send(reply);
      else if (this.#state !== "closed") this.#connection.close();
    });
  }

  #send(reply: Pack): void {
    if (this.#state === "closed") return;
    const pack = encodeReply(reply);
    const length = Buffer.allocUnsafe(lengthBytes);
    length.writeUInt32BE(pack.length);
    this.#connection.send(Buffer.concat([length, pack]), () => {
      if (this.#state === "closed") return;
      this.#state = "idle";
      this.#step();
    });
  }
}

function encodeReply(reply: Pack): Buffer {
  try {
    return encodePack(reply);
  } catch (error) {
    // Beyond what the protocol can carry.
    if (!(error instanceof RangeError)) throw error;
    return encodePack(errorPack("internal"));
  }
}
