import { OutgoingFrames, type OutgoingFramesOptions } from "./outgoing-frames.ts";

export interface OutgoingQueueOptions extends OutgoingFramesOptions {
  /** Hands frames to the kernel, all that there are. */
  readonly write: (frames: OutgoingFrames) => void;
  /** Calls back once all that has come in by now was read; a test has a way of its own. */
  readonly defer?: (callback: () => void) => void;
}

/**
 * Frames of one turn of the event loop on their way to a kernel: what comes in several reads of a connection is merged and handed over
 * at once. They wait for nothing else, and not at all where there is no room for more.
 */
export class OutgoingQueue {
  readonly frames: OutgoingFrames;
  readonly #write: (frames: OutgoingFrames) => void;
  readonly #defer: (callback: () => void) => void;
  #isDeferred = false;

  /** @param bytes memory for them, which has room for the longest frame at least */
  constructor(bytes: Buffer, { write, defer = setImmediate, ...options }: OutgoingQueueOptions) {
    this.frames = new OutgoingFrames(bytes, options);
    this.#write = write;
    this.#defer = defer;
  }

  /** Takes the blocks of `buffer` from `start` to `end`. */
  add(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      at = this.frames.take(buffer, at, end);
      if (at < end) this.flush();
    }
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#defer(() => {
      this.#isDeferred = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.frames.offsets.length === 0) return;
    this.frames.close();
    this.#write(this.frames);
    this.frames.clear();
  }
}
