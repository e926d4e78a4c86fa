import { rpcLimits, rpcPackLimits } from "../limits.ts";
import type { ConnectionEvents, SessionConnection } from "../session/session-connection.ts";
import { ByteQueue } from "../wire/byte-queue.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { decodePack, encodePack, type Pack } from "../wire/pack.ts";

/** Bytes of the length before each PACK. */
const lengthBytes = 4;

/**
 * The administration on one connection after the login: requests and replies alternate, each a `u32` length (big-endian) and
 * a PACK. What comes in before a reply is sent waits; anything that is no request ends the connection.
 *
 * Source: `Cedar/Remote.c` RpcServer.
 */
export class PackRpcConnection implements ConnectionEvents {
  readonly #connection: SessionConnection;
  readonly #answer: (request: Pack) => Promise<Pack>;
  readonly #onClosed: () => void;
  readonly #queue = new ByteQueue();
  #length: number | undefined;
  #state: "idle" | "answering" | "closed" = "idle";

  /** @param answer never fails */
  constructor(connection: SessionConnection, answer: (request: Pack) => Promise<Pack>, onClosed: () => void) {
    this.#connection = connection;
    this.#answer = answer;
    this.#onClosed = onClosed;
  }

  receive(chunk: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#queue.length + chunk.length > rpcLimits.requestBytes + lengthBytes) {
      this.#connection.close();
      return;
    }
    this.#queue.push(chunk);
    this.#step();
  }

  closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#onClosed();
  }

  #step(): void {
    if (this.#state !== "idle") return;
    this.#length ??= this.#queue.take(lengthBytes)?.readUInt32BE();
    if (this.#length === undefined) return;
    if (this.#length === 0 || this.#length > rpcLimits.requestBytes) {
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
    void this.#answer(request).then((reply) => {
      if (this.#state === "closed") return;
      const pack = encodePack(reply);
      const length = Buffer.allocUnsafe(lengthBytes);
      length.writeUInt32BE(pack.length);
      this.#connection.send(Buffer.concat([length, pack]), () => {});
      this.#state = "idle";
      this.#step();
    });
  }
}
