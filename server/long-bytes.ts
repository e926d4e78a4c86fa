import { createHash } from "node:crypto";
import { turns, type Steps } from "./turns.ts";

/** Bytes that are copied, compared or hashed in one step. */
const stepBytes = 256 * 1024;

/** The parts in one piece. */
export function joined(parts: readonly Uint8Array[]): Promise<Buffer> {
  return turns.run(joinInSteps(parts));
}

/** SHA-256 in hexadecimal. */
export function sha256InSteps(bytes: Uint8Array): Promise<string> {
  return turns.run(hashInSteps(bytes));
}

/** Whether two are the same. */
export function isSameBytes(one: Uint8Array, other: Uint8Array): Promise<boolean> {
  return turns.run(compareInSteps(one, other));
}

/** The parts in one piece; one alone is not copied. */
export function* joinInSteps(parts: readonly Uint8Array[]): Steps<Buffer> {
  const [first] = parts;
  if (first !== undefined && parts.length === 1)
    return Buffer.from(first.buffer, first.byteOffset, first.length);
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    yield;
  }
  return bytes;
}

function* hashInSteps(bytes: Uint8Array): Steps<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += stepBytes) {
    hash.update(bytes.subarray(at, at + stepBytes));
    yield;
  }
  return hash.digest("hex");
}

function* compareInSteps(one: Uint8Array, other: Uint8Array): Steps<boolean> {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += stepBytes) {
    if (Buffer.compare(one.subarray(at, at + stepBytes), other.subarray(at, at + stepBytes)) !== 0)
      return false;
    yield;
  }
  return true;
}
