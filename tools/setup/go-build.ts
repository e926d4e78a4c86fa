import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Log } from "../build/step.ts";

/** A command of a Go module that the go.mod and go.sum of a folder beside this file pin. */
export interface GoCommand {
  /** Folder with go.mod, relative to this one. */
  readonly module: string;
  readonly package: string;
  /** String variables that the linker sets, by full name. */
  readonly variables: Readonly<Record<string, string>>;
}

const buildTimeoutMs = 40 * 60_000;
const progressEveryMs = 30_000;

/**
 * Builds a command from its Go modules, which Go fetches and checks against go.sum.
 *
 * @param output the executable that is written
 * @throws Error that says what is missing, or ends with Go's last words
 */
export async function buildGoCommand(command: GoCommand, output: string, log: Log): Promise<void> {
  const flags = Object.entries(command.variables).map(([name, value]) => `-X ${name}=${value}`);
  const child = spawn(
    "go",
    ["build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-o", output].concat(
      ["-ldflags", ["-s", "-w", ...flags].join(" ")],
      command.package,
    ),
    {
      cwd: join(import.meta.dirname, command.module),
      // Settings of the user's own projects must not reach this build.
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GOOS: "linux", GOARCH: "amd64" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: buildTimeoutMs,
    },
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
    if (code === 0) return;
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
