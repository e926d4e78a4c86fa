import { blockLimits, packetDeviceLimits } from "../limits.ts";
import { blockHeaderBytes } from "../wire/block-stream.ts";
import { finishFrame, readUnfinished, unfinishedHeaderBytes } from "./unfinished-frame.ts";

const macsBytes = 12;
const leastFrameBytes = 14;

/** The longest that a kernel hands over at once, with the header before it. */
export const incomingBytes = unfinishedHeaderBytes + packetDeviceLimits.unfinishedBytes;

/** Frames that came from a kernel, each behind a `struct virtio_net_hdr`: they are finished and gathered to runs of blocks for a hub. */
export class IncomingFrames {
  readonly #receive: (buffer: Buffer, start: number, end: number) => void;
  readonly #batch = Buffer.allocUnsafe(packetDeviceLimits.batchBytes);
  /** One segment of a longer frame. */
  readonly #segment = Buffer.allocUnsafe(blockLimits.frameBytes);
  #used = 0;
  #dropped = 0;

  /** @param receive takes blocks, which are valid during the call */
  constructor(receive: (buffer: Buffer, start: number, end: number) => void) {
    this.#receive = receive;
  }

  /** Frames that no hub takes, or that cannot be finished. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes a frame and the header before it, the bytes of `buffer` from `start` on. It may write into them.
   *
   * @param length that it had, which is more than `bytes` where the rest is lost
   * @param tag behind the MAC addresses, that the kernel has taken off; no bytes where there is none
   */
  take(buffer: Buffer, start: number, length: number, bytes: number, tag?: Buffer): void {
    if (length > bytes || length < unfinishedHeaderBytes + leastFrameBytes) {
      this.#dropped++;
      return;
    }
    const frameAt = start + unfinishedHeaderBytes;
    const end = start + length;
    // Most frames are whole, and need nothing of what follows.
    if (buffer[start] === 0 && buffer[start + 1] === 0) {
      this.#add(buffer, frameAt, end, tag);
      return;
    }
    const unfinished = readUnfinished(buffer, start);
    const emit = (from: Buffer, at: number, to: number) => this.#add(from, at, to, tag);
    if (!finishFrame(buffer, frameAt, end, unfinished, this.#segment, emit)) this.#dropped++;
  }

  /** Hands over what was gathered. */
  flush(): void {
    const end = this.#used;
    this.#used = 0;
    if (end > 0) this.#receive(this.#batch, 0, end);
  }

  #add(buffer: Buffer, start: number, end: number, tag: Buffer | undefined): void {
    const tagBytes = tag === undefined ? 0 : tag.length;
    const length = end - start + tagBytes;
    if (length > blockLimits.frameBytes) {
      this.#dropped++;
      return;
    }
    if (this.#used + blockHeaderBytes + length > this.#batch.length) this.flush();
    const batch = this.#batch;
    const at = this.#used;
    const frameAt = at + blockHeaderBytes;
    this.#used = frameAt + length;
    batch[at] = batch[at + 1] = 0;
    batch[at + 2] = length >> 8;
    batch[at + 3] = length;
    if (tag === undefined) {
      buffer.copy(batch, frameAt, start, end);
      return;
    }
    buffer.copy(batch, frameAt, start, start + macsBytes);
    tag.copy(batch, frameAt + macsBytes);
    buffer.copy(batch, frameAt + macsBytes + tagBytes, start + macsBytes, end);
  }
}
