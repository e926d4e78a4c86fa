import { pieces as pool } from "./piece-pool.ts";
import { Ranges } from "./ranges.ts";
import type { Position } from "./sequence.ts";

interface ReceivedPiece {
  readonly at: Position;
  readonly buffer: Buffer;
  /** How much of it is filled. */
  bytes: number;
}

/**
 * Bytes of a stream that came in beyond a gap. Segments that follow on each other share a piece of memory, which is used again: on a link
 * that loses some of every hundred, almost all come in beyond a gap.
 */
export class Reassembly {
  readonly ranges: Ranges;
  /** In order; no two have a byte in common. */
  readonly #pieces: ReceivedPiece[] = [];
  readonly #mostPieces: number;
  /** Start of the range that grew last, which is told first (RFC 2018, section 4). */
  #newest: Position = -1;

  constructor(most: { readonly pieces: number; readonly ranges: number }) {
    this.ranges = new Ranges(most.ranges);
    this.#mostPieces = most.pieces;
  }

  /** Whether bytes from `position` on follow on the range that grew last. */
  continuesAt(position: Position): boolean {
    const index = this.ranges.indexAt(position);
    return (
      index < this.ranges.count &&
      this.ranges.end(index) === position &&
      this.ranges.start(index) === this.#newest
    );
  }

  /** Keeps a copy of what is not here yet of the bytes of `buffer` from `start` to `end`, which begin at `position`. */
  add(position: Position, buffer: Buffer, start: number, end: number): void {
    let at = position;
    const last = position + end - start;
    while (at < last) {
      const index = this.ranges.indexAt(at + 1);
      const isHere = index < this.ranges.count && this.ranges.start(index) <= at;
      if (isHere) {
        at = this.ranges.end(index);
        continue;
      }
      const gapEnd = index < this.ranges.count ? Math.min(this.ranges.start(index), last) : last;
      const before = this.#bytesBefore(at);
      if (this.#pieces.length >= this.#mostPieces || !this.ranges.add(at, gapEnd)) return;
      const from = start + at - position;
      this.#keep(at, buffer, from, from + gapEnd - at, before);
      at = gapEnd;
    }
    const index = this.ranges.indexAt(position);
    if (index < this.ranges.count) this.#newest = this.ranges.start(index);
  }

  /** Hands over what follows on `position` without a gap, valid during the call, and returns where that ends. */
  take(position: Position, deliver: (bytes: Buffer) => void): Position {
    let next = position;
    let ready = 0;
    for (const { at, bytes } of this.#pieces) {
      if (at > next) break;
      ready++;
      next = Math.max(next, at + bytes);
    }
    this.ranges.removeBelow(next);
    let from = position;
    // They are taken out before, since what is delivered may lead to everything being let go of.
    for (const { at, buffer, bytes } of this.#pieces.splice(0, ready)) {
      if (at + bytes > from) deliver(buffer.subarray(Math.max(from - at, 0), bytes));
      from = Math.max(from, at + bytes);
      pool.release(buffer);
    }
    return next;
  }

  /** Start and end of at most `most` ranges, the one that grew last before the others. */
  blocks(most: number): Position[] {
    const { ranges } = this;
    const edges: Position[] = [];
    const newest = ranges.indexAt(this.#newest + 1);
    if (newest < ranges.count && this.#newest >= 0) edges.push(ranges.start(newest), ranges.end(newest));
    for (let index = 0; index < ranges.count && edges.length < 2 * most; index++) {
      if (index !== newest || this.#newest < 0) edges.push(ranges.start(index), ranges.end(index));
    }
    return edges;
  }

  /** Lets go of everything. */
  clear(): void {
    for (const { buffer } of this.#pieces.splice(0)) pool.release(buffer);
    this.ranges.clear();
  }

  /** Of the range that ends at `position`; 0 where none does. */
  #bytesBefore(position: Position): number {
    const index = this.ranges.indexAt(position);
    const isRange = index < this.ranges.count && this.ranges.end(index) === position;
    return isRange ? position - this.ranges.start(index) : 0;
  }

  /** @param before bytes of the range that these follow on: a piece has room for half as many more, so that little of it stays empty */
  #keep(position: Position, buffer: Buffer, start: number, end: number, before: number): void {
    let index = this.#pieces.length;
    while (index > 0 && (this.#pieces[index - 1] as ReceivedPiece).at > position) index--;
    let piece = this.#pieces[index - 1];
    if (piece !== undefined && piece.at + piece.bytes !== position) piece = undefined;
    for (let from = start; from < end;) {
      if (piece === undefined || piece.bytes === piece.buffer.length) {
        const at = position + from - start;
        piece = { at, buffer: pool.take(Math.max(end - from, before >>> 1)), bytes: 0 };
        this.#pieces.splice(index++, 0, piece);
      }
      const copied = buffer.copy(piece.buffer, piece.bytes, from, end);
      piece.bytes += copied;
      from += copied;
    }
  }
}
