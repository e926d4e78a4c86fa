/** Bytes that come in one piece; a longer text has one of its own. */
const pieceBytes = 128 * 1024;
/** Bytes that a character of a text (UTF-16) takes at most. */
const mostBytesOfCharacter = 3;

/** Where a text stands: from `start` to before `end`. */
export interface TextPlace {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Writes texts one after the other in UTF-8, outside of the heap, in pieces of 128 KiB. */
export class TextWriter {
  readonly #finished: (piece: Buffer) => void;
  #bytes = Buffer.alloc(0);
  /** Where the piece that is being written begins, and where it goes on. */
  #start = 0;
  #at = 0;
  #hasPiece = false;

  /** @param finished is given each piece when it is full, or {@link end} was called; texts that have a place are not changed any more */
  constructor(finished: (piece: Buffer) => void) {
    this.#finished = finished;
  }

  /** Whether a piece has become full since this was last asked. */
  get hasPiece(): boolean {
    const had = this.#hasPiece;
    this.#hasPiece = false;
    return had;
  }

  add(text: string): TextPlace {
    this.#makeRoom(text.length * mostBytesOfCharacter);
    return this.#advance(this.#bytes.write(text, this.#at));
  }

  copy({ bytes, start, end }: TextPlace): TextPlace {
    this.#makeRoom(end - start);
    return this.#advance(bytes.copy(this.#bytes, this.#at, start, end));
  }

  end(): void {
    if (this.#at > this.#start) this.#finished(this.#bytes.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }

  #advance(written: number): TextPlace {
    const start = this.#at;
    this.#at += written;
    return { bytes: this.#bytes, start, end: this.#at };
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    this.end();
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(bytes, pieceBytes));
    this.#start = this.#at = 0;
    this.#hasPiece = true;
  }
}
