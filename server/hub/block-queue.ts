import { answeringPortLimits } from "../limits.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";

/** Memory with room for some frames at least, and what of it is filled. */
interface Chunk {
  readonly buffer: Buffer;
  end: number;
  next: Chunk | undefined;
}

/** Empty chunks for all queues, since what one turn brings is large, and those that were busy once are many. */
let spare: Chunk | undefined;
let spares = 0;

/**
 * Blocks of one port that wait, in chunks of memory that are used again: a queue that grows moves nothing, and one that is never empty
 * asks for no memory. Both would have the runtime collect garbage all the time.
 */
export class BlockQueue {
  /** Bytes of the blocks that wait. */
  bytes = 0;
  /** Where the frame is that was taken last, valid until the next one is taken. */
  buffer: Buffer = none;
  frameStart = 0;
  frameEnd = 0;
  #first: Chunk | undefined;
  #last: Chunk | undefined;

  /**
   * Copies the blocks of `source` from `start` to `end`.
   *
   * @throws RangeError when one is longer than {@link answeringPortLimits.chunkBytes}, which those of a hub never are
   */
  push(source: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    for (let at = start; at < end;) {
      let last = this.#last;
      let run = last === undefined ? 0 : wholeBlocks(source, at, end, last.buffer.length - last.end);
      if (last === undefined || run === 0) {
        last = this.#addChunk();
        run = wholeBlocks(source, at, end, last.buffer.length);
        if (run === 0) throw new RangeError("a block is longer than a chunk");
      }
      last.end += source.copy(last.buffer, last.end, at, at + run);
      at += run;
    }
  }

  /** Takes the first block that waits: its frame is at {@link frameStart} of {@link buffer} then. */
  take(): void {
    let first = this.#first as Chunk;
    if (this.frameEnd === first.end) {
      this.#dropFirst();
      first = this.#first as Chunk;
    }
    this.buffer = first.buffer;
    this.frameStart = this.frameEnd + blockHeaderBytes;
    this.frameEnd = this.frameStart + readUint32(first.buffer, this.frameEnd);
    this.bytes -= blockHeaderBytes + this.frameEnd - this.frameStart;
  }

  /** Lets go of everything. */
  clear(): void {
    while (this.#first !== undefined) this.#dropFirst();
    this.bytes = 0;
  }

  #addChunk(): Chunk {
    const chunk = takeChunk();
    if (this.#last === undefined) this.#first = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
    return chunk;
  }

  #dropFirst(): void {
    const first = this.#first as Chunk;
    this.#first = first.next;
    if (this.#first === undefined) this.#last = undefined;
    this.buffer = none;
    this.frameStart = this.frameEnd = 0;
    giveBack(first);
  }
}

const none = Buffer.alloc(0);

/** Bytes of the blocks from `start` on that fit into `room`. */
function wholeBlocks(source: Buffer, start: number, end: number, room: number): number {
  if (end - start <= room) return end - start;
  let at = start;
  for (;;) {
    const next = at + blockHeaderBytes + readUint32(source, at);
    if (next - start > room) return at - start;
    at = next;
  }
}

function takeChunk(): Chunk {
  const chunk = spare;
  if (chunk === undefined) {
    return { buffer: Buffer.allocUnsafeSlow(answeringPortLimits.chunkBytes), end: 0, next: undefined };
  }
  spare = chunk.next;
  spares--;
  chunk.end = 0;
  chunk.next = undefined;
  return chunk;
}

function giveBack(chunk: Chunk): void {
  if (spares >= answeringPortLimits.spareChunks) return;
  chunk.next = spare;
  spare = chunk;
  spares++;
}
