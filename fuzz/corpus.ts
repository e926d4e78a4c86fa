import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../test/fuzz/corpus");

/** What is kept for a target, in an order that is the same each time: regressions above all. */
export function corpusOf(target: string): Buffer[] {
  let names: string[];
  try {
    names = readdirSync(join(folder, target));
  } catch {
    return [];
  }
  return names.sort().map((name) => readFileSync(join(folder, target, name)));
}

/** Keeps an input under a name that begins with `why`; its path. */
export function keep(target: string, why: "fault" | "input", input: Buffer): string {
  const name = `${why}-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`;
  mkdirSync(join(folder, target), { recursive: true });
  const path = join(folder, target, name);
  writeFileSync(path, input);
  return path;
}
