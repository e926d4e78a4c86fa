import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { appendFlags, openOwnFileSync } from "../platform/own-file.ts";
import { renameFileSync } from "../platform/rename-file.ts";

export const logFileLimits = {
  /** A file that has grown beyond this is set aside. */
  bytes: 10 * 1024 * 1024,
  /** Files in all: `server.log`, `server.log.1`, `server.log.2`. */
  files: 3,
} as const;

/**
 * A log that is appended to and never grows beyond its limits. For one writer. A full disk costs lines, not the server.
 */
export class LogFile {
  readonly #path: string;
  readonly #limits: { readonly bytes: number; readonly files: number };
  #descriptor: number;
  #bytes: number;

  /** @throws the system's error when the file cannot be opened */
  constructor(path: string, limits: { readonly bytes: number; readonly files: number } = logFileLimits) {
    this.#path = path;
    this.#limits = limits;
    this.#descriptor = openOwnFileSync(path, appendFlags, 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** Writes text that ends with a line break. */
  write(text: string): void {
    try {
      const bytes = Buffer.from(text);
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.bytes) this.#rotate();
      if (writeSync(this.#descriptor, bytes) === bytes.length) this.#bytes += bytes.length;
      // Of a line that a full disk took half of nothing stays: the next one would be joined to it.
      else ftruncateSync(this.#descriptor, this.#bytes);
    } catch {
      // There is no better place to tell it.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    for (let index = this.#limits.files - 1; index > 0; index--) {
      try {
        renameFileSync(index === 1 ? this.#path : `${this.#path}.${index - 1}`, `${this.#path}.${index}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    const descriptor = openOwnFileSync(this.#path, appendFlags, 0o600);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#bytes = 0;
  }
}

/** The end of a log, for an error message: at most `count` lines, the newest last; empty when there is no log. */
export function readLastLogLines(path: string, count: number): string[] {
  let descriptor: number;
  try {
    descriptor = openOwnFileSync(path);
  } catch {
    return [];
  }
  try {
    const buffer = Buffer.alloc(16 * 1024);
    const { size } = fstatSync(descriptor);
    const begin = Math.max(0, size - buffer.length);
    const length = readSync(descriptor, buffer, 0, buffer.length, begin);
    const lines = buffer.toString("utf8", 0, length).trimEnd().split("\n");
    if (begin > 0) lines.shift();
    return lines.filter((line) => line !== "").slice(-count);
  } finally {
    closeSync(descriptor);
  }
}
