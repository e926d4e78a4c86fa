import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

/** A file's SHA-256 (64 hexadecimal digits) and size. */
export interface Digest {
  readonly sha256: string;
  readonly bytes: number;
}

/** Hashes a file without taking it into memory. */
export async function digestFile(path: string): Promise<Digest> {
  return { sha256: await hashFile(path, "sha256", "hex"), bytes: (await stat(path)).size };
}

export async function hashFile(
  path: string,
  algorithm: "sha256" | "sha512",
  encoding: "hex" | "base64",
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest(encoding);
}

/** SHA-256 over a list of texts; where one ends and the next begins counts. */
export function hashTexts(texts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest("hex");
}
