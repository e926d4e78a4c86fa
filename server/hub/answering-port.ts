import { blockLimits, answeringPortLimits } from "../limits.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import type { Policy } from "../settings/policy.ts";
import type { HubAttachment, HubPort } from "./hub-port.ts";

export interface AnsweringPortOptions {
  readonly name: string;
  readonly kind: Exclude<HubPort["kind"], "session">;
  readonly policy: Policy;
  /**
   * Takes one frame: the bytes of `buffer` from `start` to `end`, which are the port's after the call. It may send as many as it
   * likes by {@link AnsweringPort.send}.
   */
  readonly receive: (buffer: Buffer, start: number, end: number) => void;
  /** All frames of a turn were received. */
  readonly turnEnded?: () => void;
  /** Calls back in a turn of its own, after what is at hand has been dealt with. */
  readonly nextTurn: (callback: () => void) => void;
}

/**
 * A port that answers frames by frames: a NAT, a virtual host, a router. A hub must not be called back while it hands a frame over
 * (see {@link HubPort.deliver}), so the port keeps a copy, and looks at it in a turn of its own. What comes in faster than that is
 * dropped, and counted.
 */
export class AnsweringPort implements HubPort {
  readonly name: string;
  readonly kind: AnsweringPortOptions["kind"];
  readonly user = { name: "", group: undefined };
  readonly policy: Policy;
  readonly monitor = false;
  readonly peerAddress = "";
  /** Frames that were dropped because too many waited. */
  dropped = 0;
  readonly #options: AnsweringPortOptions;
  readonly #block = Buffer.allocUnsafe(blockHeaderBytes + blockLimits.frameBytes);
  /** Blocks that wait for the next turn, and those that are looked at in this one; they change places. */
  #waiting = Buffer.allocUnsafe(answeringPortLimits.queueBytes);
  #current = Buffer.allocUnsafe(answeringPortLimits.queueBytes);
  #waitingBytes = 0;
  #attachment: HubAttachment | undefined;

  constructor(options: AnsweringPortOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.policy = options.policy;
  }

  /** Plugs the port into its hub; before, and after {@link unplug}, nothing goes in or out. */
  plugInto(attachment: HubAttachment): void {
    this.#attachment = attachment;
  }

  unplug(): void {
    this.#attachment?.detach();
    this.#attachment = undefined;
    this.#waitingBytes = 0;
  }

  /** Sends one frame to the hub; one of no or too many bytes is dropped. */
  send(frame: Uint8Array): void {
    if (frame.length === 0 || frame.length > blockLimits.frameBytes) {
      this.dropped++;
      return;
    }
    this.#block.writeUInt32BE(frame.length, 0);
    this.#block.set(frame, blockHeaderBytes);
    this.#attachment?.forward(this.#block, 0, blockHeaderBytes + frame.length);
  }

  /** Sends the blocks of `buffer` from `start` to `end`, well-formed. */
  sendBlocks(buffer: Buffer, start: number, end: number): void {
    this.#attachment?.forward(buffer, start, end);
  }

  deliver(buffer: Buffer, start: number, end: number, frames: number): void {
    if (this.#attachment === undefined) return;
    if (this.#waitingBytes + end - start > this.#waiting.length) {
      this.dropped += frames;
      return;
    }
    if (this.#waitingBytes === 0) this.#options.nextTurn(() => this.#turn());
    this.#waitingBytes += buffer.copy(this.#waiting, this.#waitingBytes, start, end);
  }

  #turn(): void {
    const [blocks, bytes] = [this.#waiting, this.#waitingBytes];
    [this.#waiting, this.#current] = [this.#current, blocks];
    this.#waitingBytes = 0;
    for (let at = 0; at < bytes && this.#attachment !== undefined;) {
      const frameAt = at + blockHeaderBytes;
      at = frameAt + readUint32(blocks, at);
      this.#options.receive(blocks, frameAt, at);
    }
    this.#options.turnEnded?.();
  }
}
