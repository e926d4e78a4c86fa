import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runTool } from "../build/run-tool.ts";
import type { Log } from "../build/step.ts";

/** A command of a Go module that the go.mod and go.sum of a folder beside this file pin. */
export interface GoCommand {
  /** Folder with go.mod, relative to this one. */
  readonly module: string;
  readonly package: string;
  /** String variables that the linker sets, by full name. */
  readonly variables: Readonly<Record<string, string>>;
  /** A file of a Go module that the command wants beside itself, under the same name. */
  readonly companion?: { readonly module: string; readonly path: string };
}

const buildTimeoutMs = 40 * 60_000;
const listTimeoutMs = 60_000;
const progressEveryMs = 30_000;

/**
 * Builds a command from its Go modules, which Go fetches and checks against go.sum.
 *
 * @param output the executable that is written; a companion is written beside it
 * @throws Error that says what is missing, or ends with Go's last words
 */
export async function buildGoCommand(command: GoCommand, output: string, log: Log): Promise<void> {
  const cwd = join(import.meta.dirname, command.module);
  const env = goEnvironment();
  const flags = Object.entries(command.variables).map(([name, value]) => `-X ${name}=${value}`);
  const child = spawn(
    "go",
    ["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", output].concat(
      ["-ldflags", ["-s", "-w", ...flags].join(" ")],
      command.package,
    ),
    { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: buildTimeoutMs },
  );
  let words = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-8_000)));
  }
  const begin = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    log(`  Go is still building ${command.package} (${seconds} s)`);
  }, progressEveryMs);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (code === 0) {
      if (command.companion !== undefined) await copyCompanion(command.companion, output, { cwd, env });
      return;
    }
    const end = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
    throw new Error(
      `"go build ${command.package}" ${end}:\n${words.trim().split("\n").slice(-12).join("\n")}`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Error("Go is not installed (there is no program go on PATH)", { cause: error });
    }
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Settings of the user's own projects must not reach a build. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GOOS: "linux", GOARCH: "amd64" };
}

async function copyCompanion(
  { module, path }: NonNullable<GoCommand["companion"]>,
  output: string,
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  const args = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module];
  const folder = (await runTool("go", args, { cwd, env, timeoutMs: listTimeoutMs })).trim();
  await copyFile(join(folder, path), join(dirname(output), basename(path)));
}
