import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/**
 * Compresses an executable for the way to a host. gzip, because every host can unpack it. Node's zlib makes the same
 * bytes on every processor (seen on x86-64 with and without SSE 4.2, and on arm64), and puts no name and no time into the
 * header.
 */
export async function compressUpload(executable: string, target: string): Promise<void> {
  await pipeline(
    createReadStream(executable, { highWaterMark: 1024 * 1024 }),
    createGzip({ level: 9, memLevel: 9, chunkSize: 1024 * 1024 }),
    createWriteStream(target, { mode: 0o644, flush: true }),
  );
}
