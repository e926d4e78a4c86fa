import { constants, createDeflate, createInflate, deflateSync, inflateSync, type Zlib } from "node:zlib";

/**
 * What Node.js does its own compression with, below the documented calls. Those make a context for each call, which costs ten times as
 * much as a frame does. The runtime is pinned, and a test holds it to this; where it is not as expected, the documented calls are made.
 */
interface ZlibStream extends Zlib {
  readonly _handle?: {
    onerror: (message: string, code: number) => void;
    reset(): void;
    writeSync(
      flush: number,
      input: Uint8Array,
      inputAt: number,
      inputBytes: number,
      output: Uint8Array,
      outputAt: number,
      outputBytes: number,
    ): void;
  };
  /** What is left of output and input after a call. */
  readonly _writeState?: Uint32Array;
}

/** One stream after the other, with the memory of the first. */
class FrameCodec {
  readonly #stream: ZlibStream;
  #hasFailed = false;

  constructor(stream: Zlib) {
    this.#stream = stream;
    if (this.#stream._handle !== undefined) {
      this.#stream._handle.onerror = () => {
        this.#hasFailed = true;
      };
    }
  }

  get isUsable(): boolean {
    const { _handle: handle, _writeState: state } = this.#stream;
    return typeof handle?.writeSync === "function" && state instanceof Uint32Array;
  }

  /** Gives the bytes written from `at` up to `end`, or undefined for what is no stream or does not fit. */
  run(input: Uint8Array, output: Uint8Array, at: number, end: number): number | undefined {
    const { _handle: handle, _writeState: state } = this.#stream as Required<ZlibStream>;
    this.#hasFailed = false;
    handle.reset();
    handle.writeSync(constants.Z_FINISH, input, 0, input.length, output, at, end - at);
    return this.#hasFailed ? undefined : end - at - (state[0] as number);
  }
}

const deflate = new FrameCodec(createDeflate());
const inflate = new FrameCodec(createInflate());

/** Whether frames share one context; see {@link ZlibStream}. */
export const sharesContext = deflate.isUsable && inflate.isUsable;

/** Bytes of the header, of the shortest block and of the checksum (RFC 1950, RFC 1951). */
const leastBytes = 2 + 2 + 4;

/** Most bytes that a frame of so many becomes: what zlib adds to what does not get shorter (`deflateBound`). */
export function compressedBound(frameBytes: number): number {
  return frameBytes + (frameBytes >> 10) + 64;
}

/**
 * Compresses one frame as a whole zlib stream of its own (RFC 1950), the only form that a session with compression has.
 *
 * @param target takes the result from `at` on; it has room for {@link compressedBound}
 * @returns the bytes written
 */
export function compressFrame(frame: Uint8Array, target: Buffer, at: number): number {
  const end = at + compressedBound(frame.length);
  return sharesContext
    ? (deflate.run(frame, target, at, Math.min(end, target.length)) as number)
    : deflateSync(frame).copy(target, at);
}

/**
 * The reverse of {@link compressFrame}.
 *
 * @param target has room for one byte more than `most`, behind `at`
 * @param most longest frame that is allowed
 * @returns the bytes written, or undefined for what is no zlib stream or becomes longer than `most`
 */
export function decompressFrame(
  compressed: Uint8Array,
  target: Buffer,
  at: number,
  most: number,
): number | undefined {
  // To find that out by zlib costs much more, and who sends such things sends many.
  if (!mayBeStream(compressed)) return undefined;
  if (sharesContext) {
    const bytes = inflate.run(compressed, target, at, at + most + 1);
    return bytes === undefined || bytes > most ? undefined : bytes;
  }
  try {
    return inflateSync(compressed, { maxOutputLength: most }).copy(target, at);
  } catch {
    return undefined;
  }
}

/** Whether the header is one of RFC 1950 without a dictionary. */
function mayBeStream(bytes: Uint8Array): boolean {
  if (bytes.length < leastBytes) return false;
  const [method = 0, flags = 0] = bytes;
  return (
    (method & 0x0f) === 8 && method >> 4 <= 7 && (flags & 0x20) === 0 && ((method << 8) | flags) % 31 === 0
  );
}
