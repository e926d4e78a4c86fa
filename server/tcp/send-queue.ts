import type { Position } from "./sequence.ts";

/** Bytes of a stream that the peer has not acknowledged, sent or not, as the pieces that they came in. */
export class SendQueue {
  readonly #pieces: Buffer[] = [];
  /** Of the first piece that still counts, before which there are pieces that are done with. */
  #first = 0;
  #start: Position;
  #end: Position;
  /** Where the first piece begins. */
  #firstAt: Position;
  /** A piece and its position, where the last copy ended: the next one mostly begins there. */
  #cursor = 0;
  #cursorAt: Position;

  constructor(start: Position) {
    this.#start = start;
    this.#end = start;
    this.#firstAt = start;
    this.#cursorAt = start;
  }

  /** First byte that is here. */
  get start(): Position {
    return this.#start;
  }

  /** Behind the last one. */
  get end(): Position {
    return this.#end;
  }

  /** The piece is the queue's from now on. */
  append(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#end += piece.length;
  }

  /** Lets go of the bytes before `position`. */
  drop(position: Position): void {
    this.#start = Math.min(Math.max(position, this.#start), this.#end);
    while (this.#first < this.#pieces.length) {
      const next = this.#firstAt + (this.#pieces[this.#first] as Buffer).length;
      if (next > this.#start) break;
      this.#pieces[this.#first++] = empty;
      this.#firstAt = next;
    }
    if (this.#first > 64 && this.#first * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#first);
      this.#cursor -= this.#first;
      this.#first = 0;
    }
  }

  /** Copies the bytes from `position` on to `target`; all of them have to be here. */
  copy(position: Position, bytes: number, target: Buffer, at: number): void {
    if (position < this.#start || position + bytes > this.#end) throw new RangeError("not in the queue");
    if (this.#cursor < this.#first || this.#cursorAt > position) {
      this.#cursor = this.#first;
      this.#cursorAt = this.#firstAt;
    }
    let left = bytes;
    let from = position;
    while (left > 0) {
      const piece = this.#pieces[this.#cursor] as Buffer;
      const offset = from - this.#cursorAt;
      if (offset >= piece.length) {
        this.#cursor++;
        this.#cursorAt += piece.length;
        continue;
      }
      const copied = piece.copy(target, at + bytes - left, offset, Math.min(piece.length, offset + left));
      left -= copied;
      from += copied;
    }
  }
}

const empty = Buffer.alloc(0);
