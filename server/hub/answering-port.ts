import { blockLimits, answeringPortLimits } from "../limits.ts";
import { blockHeaderBytes } from "../wire/block-stream.ts";
import type { Policy } from "../settings/policy.ts";
import { BlockQueue } from "./block-queue.ts";
import { fitsShare } from "./fair-share.ts";
import type { HubAttachment, HubPort } from "./hub-port.ts";

/** Does some work and stops when the time is over; tells whether some is left, for which it is called again. */
export type SlicedWork = (isOver: () => boolean) => boolean;

export interface AnsweringPortOptions {
  readonly name: string;
  readonly kind: Exclude<HubPort["kind"], "session">;
  /** Shown in the list of sessions. */
  readonly userName: string;
  readonly policy: Policy;
  /**
   * Takes one frame: the bytes of `buffer` from `start` to `end`, valid during the call, in which they may be changed, and the number of
   * the port that sent it. It may send as many as it likes by {@link AnsweringPort.send}.
   */
  readonly receive: (buffer: Buffer, start: number, end: number, from: number) => void;
  /** The frames of a turn were received; what it has to do then may go on in the next turn. */
  readonly turnEnded?: SlicedWork;
  /** Calls the work in turns of its own, after what is at hand has been dealt with, until none is left. */
  readonly nextTurn: (work: SlicedWork) => void;
}

/**
 * A port that answers frames by frames: a NAT, a virtual host, a router. A hub must not be called back while it hands a frame over
 * (see {@link HubPort.deliver}), so the port keeps a copy, and looks at it in a turn of its own, for as long as that one lasts. What comes
 * in faster than that is dropped, and counted. Ports that send are served in turn, and none may fill the room of the others.
 */
export class AnsweringPort implements HubPort {
  readonly name: string;
  readonly kind: AnsweringPortOptions["kind"];
  readonly user: HubPort["user"];
  readonly policy: Policy;
  readonly monitor = false;
  readonly peerAddress = "";
  /** Frames that were dropped because too many waited. */
  dropped = 0;
  readonly #options: AnsweringPortOptions;
  readonly #block = Buffer.allocUnsafe(blockHeaderBytes + blockLimits.frameBytes);
  /** Frames that wait, by the port that sent them; the one whose turn is next comes first. */
  readonly #queues = new Map<number, BlockQueue>();
  #waitingBytes = 0;
  /** Whether a turn was asked for, and whether one has ended without time for all that is done then. */
  #isAwaitingTurn = false;
  #isEnding = false;
  #attachment: HubAttachment | undefined;

  constructor(options: AnsweringPortOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.policy = options.policy;
    this.user = { name: options.userName, group: undefined };
  }

  /** Plugs the port into its hub; before, and after {@link unplug}, nothing goes in or out. */
  plugInto(attachment: HubAttachment): void {
    this.#attachment = attachment;
  }

  unplug(): void {
    this.#attachment?.detach();
    this.#attachment = undefined;
    for (const queue of this.#queues.values()) queue.clear();
    this.#queues.clear();
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

  deliver(buffer: Buffer, start: number, end: number, frames: number, from: number): void {
    if (this.#attachment === undefined) return;
    const bytes = end - start;
    let queue = this.#queues.get(from);
    if (!fitsShare(bytes, queue?.bytes ?? 0, this.#waitingBytes, answeringPortLimits.queueBytes)) {
      this.dropped += frames;
      return;
    }
    if (queue === undefined) {
      queue = new BlockQueue();
      this.#queues.set(from, queue);
    }
    queue.push(buffer, start, end);
    this.#waitingBytes += bytes;
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    this.#options.nextTurn((isOver) => this.#turn(isOver));
  }

  #turn(isOver: () => boolean): boolean {
    const { turnEnded } = this.#options;
    // What the last turn has left comes first: it would never be done under load.
    if (this.#isEnding) this.#isEnding = turnEnded?.(isOver) === true;
    if (!this.#isEnding) {
      this.#receive(isOver);
      this.#isEnding = turnEnded?.(isOver) === true;
    }
    this.#isAwaitingTurn = this.#isEnding || this.#queues.size > 0;
    return this.#isAwaitingTurn;
  }

  /** Takes some frames of each port in turn; one at least. */
  #receive(isOver: () => boolean): void {
    for (const [from, queue] of this.#queues) {
      for (let left = answeringPortLimits.framesInTurn; left > 0 && queue.bytes > 0; left--) {
        queue.take();
        const { buffer, frameStart, frameEnd } = queue;
        this.#waitingBytes -= blockHeaderBytes + frameEnd - frameStart;
        this.#options.receive(buffer, frameStart, frameEnd, from);
        if (this.#attachment === undefined) return;
        if (!isOver()) continue;
        this.#putBehind(from, queue);
        return;
      }
      this.#putBehind(from, queue);
    }
  }

  #putBehind(from: number, queue: BlockQueue): void {
    this.#queues.delete(from);
    if (queue.bytes > 0) this.#queues.set(from, queue);
    else queue.clear();
  }
}
