import type { Position } from "./sequence.ts";
import { pieces as pool } from "./piece-pool.ts";

interface QueuedPiece {
  readonly buffer: Buffer;
  /** How much of it is filled. */
  bytes: number;
}

/** Bytes of a stream that the peer has not acknowledged, sent or not. */
export class SendQueue {
  readonly #pieces: QueuedPiece[] = [];
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

  /** Copies the bytes behind those that are here. */
  append(bytes: Buffer): void {
    this.#end += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const piece = this.#pieceFor(bytes.length - at);
      const copied = bytes.copy(piece.buffer, piece.bytes, at);
      piece.bytes += copied;
      at += copied;
    }
  }

  /** Lets go of the bytes before `position`. */
  drop(position: Position): void {
    this.#start = Math.min(Math.max(position, this.#start), this.#end);
    while (this.#first < this.#pieces.length) {
      const { buffer, bytes } = this.#pieces[this.#first] as QueuedPiece;
      const next = this.#firstAt + bytes;
      if (next > this.#start) break;
      this.#pieces[this.#first++] = none;
      this.#firstAt = next;
      pool.release(buffer);
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
      const piece = this.#pieces[this.#cursor] as QueuedPiece;
      const offset = from - this.#cursorAt;
      if (offset >= piece.bytes) {
        this.#cursor++;
        this.#cursorAt += piece.bytes;
        continue;
      }
      const copied = piece.buffer.copy(
        target,
        at + bytes - left,
        offset,
        Math.min(piece.bytes, offset + left),
      );
      left -= copied;
      from += copied;
    }
  }

  /** The last one while it has room, else a new one, which is not much larger than what it is for: many connections have little to say. */
  #pieceFor(bytes: number): QueuedPiece {
    const last = this.#first < this.#pieces.length ? this.#pieces.at(-1) : undefined;
    if (last !== undefined && last.bytes < last.buffer.length) return last;
    const piece = { buffer: pool.take(bytes), bytes: 0 };
    this.#pieces.push(piece);
    return piece;
  }
}

const none: QueuedPiece = { buffer: Buffer.alloc(0), bytes: 0 };
