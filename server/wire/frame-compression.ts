import { deflateSync, inflateSync } from "node:zlib";

/**
 * Compresses one frame as a whole zlib stream of its own (RFC 1950), the only form that a session with compression has.
 *
 * @param target takes the result from `at` on; it has room for a frame that does not get shorter
 * @returns the bytes written
 */
export function compressFrame(frame: Uint8Array, target: Buffer, at: number): number {
  return deflateSync(frame).copy(target, at);
}

/**
 * The reverse of {@link compressFrame}.
 *
 * @param most longest frame that is allowed
 * @returns the bytes written, or undefined for what is no zlib stream or becomes longer than `most`
 */
export function decompressFrame(
  compressed: Uint8Array,
  target: Buffer,
  at: number,
  most: number,
): number | undefined {
  try {
    return inflateSync(compressed, { maxOutputLength: most }).copy(target, at);
  } catch {
    return undefined;
  }
}
