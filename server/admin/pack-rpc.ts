import { rpcPackLimits } from "../limits.ts";
import type { ConnectionEvents, SessionConnection } from "../protocols/softether/session-connection.ts";
import { requestQuota } from "../read-quota.ts";
import { serverWork, turns, type Steps, type WorkOwner } from "../turns.ts";
import { ByteQueue } from "../wire/byte-queue.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { decodePackInSteps, encodePackInSteps, type Pack } from "../wire/pack.ts";
import { errorPack } from "../wire/protocol-error.ts";

/** Bytes of the length before each PACK. */
const lengthBytes = 4;

/** Bytes that are sent at once. */
const sendBytes = 256 * 1024;

export interface PackRpcOptions {
  /** Longest request in bytes. */
  readonly requestBytes: number;
  /** Of requests and replies; the server's by default. */
  readonly owner?: WorkOwner;
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
    if (requestQuota.exceeds(chunk.length, () => this.#connection.goOn())) this.#connection.hold();
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
    this.#state = "answering";
    const steps = decodePackInSteps(bytes, rpcPackLimits);
    try {
      const first = steps.next();
      void this.#answer(
        first.done === true ? first.value : turns.run(steps, this.#options.owner ?? serverWork),
      );
    } catch (error) {
      this.#refuse(error);
    }
  }

  async #answer(decoded: Pack | Promise<Pack>): Promise<void> {
    const { answer, owner } = this.#options;
    let request: Pack;
    try {
      await turns.begin(owner ?? serverWork);
      request = await decoded;
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#isClosed()) return;
    const reply = await answer(request);
    if (this.#isClosed()) return;
    if (reply === "end") this.#connection.close();
    else this.#send(await turns.run(encodeReply(reply), owner ?? serverWork), 0);
  }

  /** The encryption of an answer of many megabytes must not hold the thread either: it goes out in parts. */
  #send(reply: Buffer, from: number): void {
    if (this.#isClosed()) return;
    const to = from + sendBytes;
    this.#connection.send(reply.subarray(from, to), () => {
      if (to < reply.length) {
        this.#send(reply, to);
      } else if (!this.#isClosed()) {
        this.#state = "idle";
        this.#step();
      }
    });
  }

  #refuse(error: unknown): void {
    if (!(error instanceof DecodeError)) throw error;
    this.#connection.close();
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }
}

/** Its length and the PACK. */
function* encodeReply(reply: Pack): Steps<Buffer> {
  try {
    return yield* encodePackInSteps(reply, lengthBytes);
  } catch (error) {
    // Beyond what the protocol can carry.
    if (!(error instanceof RangeError)) throw error;
    return yield* encodePackInSteps(errorPack("internal"), lengthBytes);
  }
}
