import { createCipheriv } from "node:crypto";

/** As many bytes, which look like chance and are always the same. */
export function* someBytes(count: number): Generator<Buffer> {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(64 * 1024);
  for (let left = count; left > 0; left -= zeros.length) yield cipher.update(zeros.subarray(0, left));
}
