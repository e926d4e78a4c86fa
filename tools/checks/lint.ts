import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

const sources = [
  "components",
  "program",
  "policy",
  "server",
  "test",
  "tools",
  "bench",
  "attack",
  "fuzz",
  "index.ts",
].filter((path) => existsSync(join(root, path)));

/** What the code is checked with, each a program of node_modules/.bin with its arguments. */
const checks: Readonly<Record<string, readonly string[]>> = {
  types: ["tsc", "--noEmit"],
  examples: ["tsc", "-p", "examples"],
  rules: ["eslint", "--max-warnings=0", "."],
  format: ["prettier", "--check", "--log-level=warn", "."],
  layers: ["depcruise", "--progress=none", ...sources],
  unused: ["knip", "--no-progress"],
};

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: string;
}

/** Runs every check, prints what each has to say, and resolves to whether all were content. */
export async function lint(): Promise<boolean> {
  // The two that read every type are by far the longest: side by side on two cores, the others after them.
  const { types, rules, ...others } = checks;
  let content = true;
  for (const batch of [{ types, rules }, others]) {
    const names = Object.keys(batch) as (keyof typeof batch)[];
    const outcomes = await Promise.all(names.map((name) => runCheck(batch[name] ?? [])));
    outcomes.forEach(({ code, output, seconds }, index) => {
      if (code !== 0) console.log(output.trimEnd());
      console.log(`lint: ${String(names[index]).padEnd(8)} ${code === 0 ? "ok    " : "FAILED"} ${seconds} s`);
      content &&= code === 0;
    });
  }
  return content;
}

async function runCheck([program = "", ...args]: readonly string[]): Promise<Outcome> {
  const begin = performance.now();
  // Their first lines ask for whatever Node.js comes first on PATH.
  const child = spawn(process.execPath, [join(root, "node_modules", ".bin", program), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output, seconds: ((performance.now() - begin) / 1000).toFixed(1) };
}

if (import.meta.main) process.exitCode = (await lint()) ? 0 : 1;
