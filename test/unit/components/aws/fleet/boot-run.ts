import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FakeAws } from "./fake-aws.ts";

export interface PythonResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The boot script in a folder of its own, run by the Python of this machine, and what it called of its release. */
export class BootRun implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(script: string): Promise<BootRun> {
    const folder = await mkdtemp(join(tmpdir(), "vpnserver-boot-test-"));
    await writeFile(join(folder, "boot.py"), script);
    await mkdir(join(folder, "staging"));
    return new BootRun(folder);
  }

  /** Lines of Python behind `import boot`. */
  async python(lines: string, environment: Readonly<Record<string, string>> = {}): Promise<PythonResult> {
    const child = spawn("python3", ["-B", "-c", `import boot, sys\n${lines}`], {
      cwd: this.#folder,
      env: {
        PATH: process.env["PATH"],
        CALLS: this.#callsFile,
        FAILS: "-",
        PYTHONIOENCODING: "utf-8",
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return { code, stdout: await stdout, stderr: await stderr };
  }

  /** All that an instance does, apart from the folder that it does it in. @param before lines of Python */
  async boot(
    aws: FakeAws,
    before = "",
    environment: Readonly<Record<string, string>> = {},
  ): Promise<PythonResult> {
    return this.python(`${before}\nboot.start(${JSON.stringify(join(this.#folder, "staging"))})`, {
      ...aws.environment,
      ...environment,
    });
  }

  /** Lines that the executable wrote down: the words that it was called with, and what it was told. */
  calls(): string[] {
    if (!existsSync(this.#callsFile)) return [];
    return readFileSync(this.#callsFile, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  get #callsFile(): string {
    return join(this.#folder, "calls");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
