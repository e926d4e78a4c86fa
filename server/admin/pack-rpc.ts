import { rpcPackLimits } from "../limits.ts";
import type { ConnectionEvents, SessionConnection } from "../protocols/softether/session-connection.ts";
import { requestQuota } from "../read-quota.ts";
import { joinInSteps } from "../long-bytes.ts";
import { serverWork, turns, type Steps, type WorkOwner } from "../turns.ts";
import { ByteQueue } from "../wire/byte-queue.ts";
import { DecodeError } from "../wire/decode-error.ts";
import { decodePackInSteps, encodePackInSteps, type Pack } from "../wire/pack.ts";
import { errorPack } from "../wire/protocol-error.ts";

/** Bytes of the length before each PACK. */
const lengthBytes = 4;

/** A request from this length on. */
const longRequestBytes = 256 * 1024;

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
  /** What came of a long request behind what the queue holds of it. */
  #long: Buffer[] = [];
  #longBytes = 0;
  #state: "idle" | "answering" | "closed" = "idle";

  constructor(connection: SessionConnection, options: PackRpcOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  receive(chunk: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#held + chunk.length > this.#options.requestBytes + lengthBytes) {
      this.#connection.close();
      return;
    }
    this.#hold(chunk);
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
    const parts = this.#take(this.#length);
    if (parts === undefined) return;
    this.#length = undefined;
    this.#state = "answering";
    const steps = decodeParts(parts);
    try {
      const first = steps.next();
      void this.#answer(
        first.done === true ? first.value : turns.run(steps, this.#options.owner ?? serverWork),
      );
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** All that came and was not taken yet. */
  get #held(): number {
    return this.#queue.length + this.#longBytes;
  }

  /** Of a long request what comes is kept in parts: to put it into one piece as it comes would copy megabytes in one go. */
  #hold(chunk: Buffer): void {
    const missing = (this.#length ?? 0) - this.#held;
    if (this.#length === undefined || this.#length < longRequestBytes || missing <= 0) {
      this.#queue.push(chunk);
      return;
    }
    this.#long.push(Buffer.from(chunk.subarray(0, missing)));
    this.#longBytes += Math.min(chunk.length, missing);
    if (chunk.length > missing) this.#queue.push(chunk.subarray(missing));
  }

  /** The parts of the request; undefined while some are missing. */
  #take(length: number): readonly Buffer[] | undefined {
    if (this.#held < length) return undefined;
    const begin = this.#queue.take(length - this.#longBytes) ?? Buffer.alloc(0);
    const parts = [begin, ...this.#long];
    this.#long = [];
    this.#longBytes = 0;
    return parts;
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

function* decodeParts(parts: readonly Buffer[]): Steps<Pack> {
  return yield* decodePackInSteps(yield* joinInSteps(parts), rpcPackLimits);
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
