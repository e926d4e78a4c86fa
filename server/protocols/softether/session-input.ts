import type { HubTime, Work } from "../../hub/hub-time.ts";
import { turnLimits } from "../../limits.ts";
import type { BlockDecoder } from "../../wire/block-stream.ts";
import type { SessionConnection } from "./session-connection.ts";

export interface SessionInputOptions {
  readonly connection: Pick<SessionConnection, "hold" | "goOn">;
  readonly time: HubTime;
  /**
   * Makes the decoder, whose sink takes blocks for as long as there is time.
   *
   * @param isOver whether it is over
   */
  readonly createDecoder: (isOver: () => boolean) => BlockDecoder;
  /** What came in cannot be read; nothing more is taken from the connection. */
  readonly onFault: () => void;
}

/**
 * What comes in by one connection of a session, on its way to the hub: at once as far as the hub has time in this turn. The rest waits
 * here, and the connection is not read meanwhile, so that the peer is slowed down and nobody else.
 */
export class SessionInput implements Work {
  readonly #options: SessionInputOptions;
  readonly #decoder: BlockDecoder;
  /** What is being read: the connection's own buffer while it comes in, copies later. */
  #chunks: Buffer[] = [];
  /** Where the first of them goes on. */
  #at = 0;
  #isOver: () => boolean = () => false;
  #isHeld = false;
  #isClosed = false;

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#decoder = options.createDecoder(() => this.#isOver());
  }

  /** Takes what came in; the buffer is the connection's again after the call. */
  receive(chunk: Buffer): void {
    if (this.#isClosed) return;
    const { time, connection } = this.#options;
    // What was under way when the connection was asked to wait.
    if (this.#chunks.length > 0) return void this.#chunks.push(Buffer.from(chunk));
    this.#chunks.push(chunk);
    time.begin(this, chunk.length * turnLimits.msPerByte);
    if (this.#chunks.length === 0) return;
    this.#chunks = [Buffer.from(chunk.subarray(this.#at))];
    this.#at = 0;
    this.#isHeld = true;
    connection.hold();
  }

  work(isOver: () => boolean): boolean {
    this.#isOver = isOver;
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      if (this.#decoder.receive(chunk, this.#at) !== undefined) {
        this.close();
        this.#options.onFault();
        return false;
      }
      if (this.#isClosed) return false;
      if (this.#decoder.position < chunk.length) {
        this.#at = this.#decoder.position;
        return true;
      }
      this.#at = 0;
      this.#chunks.shift();
      if (this.#chunks.length > 0 && isOver()) return true;
    }
    if (this.#isHeld) {
      this.#isHeld = false;
      this.#options.connection.goOn();
    }
    return false;
  }

  /** Drops what waits; nothing more is taken. */
  close(): void {
    this.#isClosed = true;
    this.#chunks = [];
    this.#at = 0;
    this.#options.time.forget(this);
  }
}
