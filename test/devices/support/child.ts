import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Namespace } from "../../lab/namespace.ts";

/** A program of this folder, or of another by its path from here, in a namespace. It ends with its standard input, and when it is disposed of at the latest. */
export function startChild(
  station: Namespace,
  program: string,
  args: readonly string[] = [],
  wrapper: readonly string[] = [],
) {
  const [command = "", ...more] = [...wrapper, process.execPath, join(import.meta.dirname, program), ...args];
  const child = station.spawn(command, more, { stdio: ["pipe", "pipe", "inherit"] });
  assert.ok(child.stdout && child.stdin);
  const ended = once(child, "exit") as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { stdin } = child;
  const end = async () => {
    stdin.end();
    return (await ended)[0];
  };
  return {
    write: (line: string) => void stdin.write(`${line}\n`),
    nextLine: async () => ((await lines.next()) as { readonly value?: string }).value,
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}
