import { Ranges } from "./ranges.ts";
import type { Position } from "./sequence.ts";

/** Bytes of a stream that came in beyond a gap. */
export class Reassembly {
  readonly ranges: Ranges;
  /** In order; no two have a byte in common. */
  readonly #pieces: { readonly at: Position; readonly bytes: Buffer }[] = [];
  readonly #mostPieces: number;
  /** Start of the range that grew last, which is told first (RFC 2018, section 4). */
  #newest: Position = -1;

  constructor(most: { readonly pieces: number; readonly ranges: number }) {
    this.ranges = new Ranges(most.ranges);
    this.#mostPieces = most.pieces;
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
      if (this.#pieces.length >= this.#mostPieces || !this.ranges.add(at, gapEnd)) return;
      const from = start + at - position;
      this.#insert(at, Buffer.from(buffer.subarray(from, from + gapEnd - at)));
      at = gapEnd;
    }
    const index = this.ranges.indexAt(position);
    if (index < this.ranges.count) this.#newest = this.ranges.start(index);
  }

  /** Hands over what follows on `position` without a gap, and resolves to where that ends. */
  take(position: Position, deliver: (bytes: Buffer) => void): Position {
    let next = position;
    let taken = 0;
    for (const { at, bytes } of this.#pieces) {
      if (at > next) break;
      taken++;
      const known = next - at;
      if (known >= bytes.length) continue;
      deliver(known === 0 ? bytes : bytes.subarray(known));
      next = at + bytes.length;
    }
    if (taken > 0) this.#pieces.splice(0, taken);
    this.ranges.removeBelow(next);
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

  #insert(at: Position, bytes: Buffer): void {
    let index = this.#pieces.length;
    while (index > 0 && (this.#pieces[index - 1] as { readonly at: Position }).at > at) index--;
    this.#pieces.splice(index, 0, { at, bytes });
  }
}
