import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { runTool } from "../build/run-tool.ts";

/** How a program tells its version: the engine as a command, plugins over gRPC, as they tell the engine. */
export type ProgramKind = "engine" | "language" | "resource";

const answerTimeoutMs = 10_000;

interface Known {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly version: string;
}

/**
 * Tells the versions of programs that others installed. Asking one takes up to a second, so answers are kept in a file
 * of the cache directory, for as long as the program's size and time stay the same.
 */
export class ProgramVersions {
  readonly #file: string;

  constructor(cacheDirectory: string) {
    this.#file = join(cacheDirectory, "program-versions.json");
  }

  /** Resolves to the version without a leading `v`, or `undefined` when the program does not tell one. */
  async of(path: string, kind: ProgramKind): Promise<string | undefined> {
    const { size: bytes, mtimeMs: modifiedMs } = await stat(path);
    const known = await this.#read();
    const entry = known[path];
    if (entry?.bytes === bytes && entry.modifiedMs === modifiedMs) return entry.version || undefined;
    const version = await askVersion(path, kind).catch(() => undefined);
    known[path] = { bytes, modifiedMs, version: version ?? "" };
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFileAtomically(this.#file, JSON.stringify(known, undefined, 1), { mode: 0o644 });
    return version;
  }

  async #read(): Promise<Record<string, Known>> {
    try {
      return JSON.parse(await readFile(this.#file, "utf8")) as Record<string, Known>;
    } catch {
      return {};
    }
  }
}

async function askVersion(path: string, kind: ProgramKind): Promise<string> {
  const text = kind === "engine" ? await askEngine(path) : await askPlugin(path, kind);
  return text.trim().replace(/^v/, "");
}

function askEngine(path: string): Promise<string> {
  return runTool(path, ["version"], {
    cwd: "/",
    timeoutMs: answerTimeoutMs,
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
}

async function askPlugin(path: string, kind: "language" | "resource"): Promise<string> {
  // Loaded only when somebody must be asked: gRPC takes longer to load than all the rest of set-up.
  const { askPluginVersion } = await import("./plugin-version.ts");
  return askPluginVersion(path, kind, answerTimeoutMs);
}
