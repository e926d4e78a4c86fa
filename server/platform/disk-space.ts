import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { wordsOf } from "../error-words.ts";

/** Less than this, and the next change or line of a log may find no room. */
const leastBytes = 64 * 1024 * 1024;
/** Files that may still be made; some file systems run out of these first, and some have no such bound and say 0 of 0. */
const leastFiles = 100;

/** What is wrong with the disk that a folder is on, for people; undefined when there is room. Never rejects. */
export async function diskProblem(
  folder: string,
  look: (
    folder: string,
  ) => Promise<Pick<StatsFs, "bsize" | "blocks" | "bavail" | "files" | "ffree">> = statfs,
): Promise<string | undefined> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await look(folder);
    const free = bsize * bavail;
    // A file system without blocks has no such bound either.
    if (blocks > 0 && free < leastBytes) {
      return `the disk of ${folder} is nearly full (${Math.floor(free / 1024 / 1024)} MB are free): changes of the configuration will fail, and lines of the logs be lost; make room`;
    }
    if (files > 0 && ffree < leastFiles) {
      return `the file system of ${folder} has no room for more files (${ffree} left): changes of the configuration will fail; remove files`;
    }
    return undefined;
  } catch (error) {
    return `cannot tell the space on the disk of ${folder}: ${wordsOf(error)}`;
  }
}
