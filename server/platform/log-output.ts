import type { Writable } from "node:stream";

/** Bytes that wait for whoever reads the log, and does not. */
const waitingBytes = 1024 * 1024;

/**
 * Writes a line of the log to a stream besides `server.log`. Never waits: beyond a bound a line is left out there, since `server.log` has
 * it too.
 */
export function writeUnlessFull(stream: Writable, line: string): void {
  if (stream.writable && stream.writableLength < waitingBytes) stream.write(line);
}
