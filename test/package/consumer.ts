import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const runFile = promisify(execFile);

export const root = join(import.meta.dirname, "..", "..");

/** What `npm pack` made, and what it put in. */
export interface PackedFile {
  readonly path: string;
  /** Paths in the package, with their permissions. */
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

/** Makes the file that users install, in a folder of the caller's. */
export async function packPackage(folder: string): Promise<PackedFile> {
  // npm's prepack step prints what it builds before the JSON.
  const { stdout } = await runFile("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  const json = stdout.slice(stdout.search(/^[[{]$/m));
  const [packed] = JSON.parse(json) as { filename: string; files: PackedFile["files"] }[];
  if (packed === undefined) throw new Error(`npm pack made nothing:\n${stdout}`);
  return { path: join(folder, packed.filename), files: packed.files };
}

/** The version of a package that this project itself is tested with. */
export async function versionOf(packageName: string): Promise<string> {
  const text = await readFile(join(root, "node_modules", packageName, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The oldest Node.js that the package is for. */
export async function oldestNode(): Promise<string> {
  const text = await readFile(join(root, "package.json"), "utf8");
  const { engines } = JSON.parse(text) as { engines: { node: string } };
  return `${engines.node.replace(">=", "")}.0.0`;
}

/** What a command of a {@link Consumer} printed, and its exit code. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's project in a folder of its own, outside of this repository. */
export class Consumer {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#env = env;
  }

  /** @param files text of each file by its path; objects are written as JSON */
  static async create(
    files: Readonly<Record<string, unknown>>,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<Consumer> {
    const folder = await mkdtemp(join(tmpdir(), "vpnserver-consumer-"));
    // What says "node" gets the project's own, else the one that runs the tests.
    const path = `${join(folder, "node_modules", ".bin")}:${dirname(process.execPath)}:${env["PATH"]}`;
    const consumer = new Consumer(folder, { ...env, PATH: path });
    await consumer.write(files);
    return consumer;
  }

  async write(files: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(this.folder, path, ".."), { recursive: true });
      const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
      await writeFile(join(this.folder, path), text);
    }
  }

  /** Installs what `package.json` names, and the packed file. No package's own scripts are run, and none is needed. */
  async install(packed: PackedFile): Promise<void> {
    await cp(packed.path, join(this.folder, "pulumi-vpnserver.tgz"));
    await this.check("npm", ["install", "--prefer-offline", "--ignore-scripts", "./pulumi-vpnserver.tgz"]);
  }

  async run(command: string, args: readonly string[], timeoutMs = 120_000): Promise<Finished> {
    try {
      const { stdout, stderr } = await runFile(command, args, {
        cwd: this.folder,
        env: this.#env,
        timeout: timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const {
        code,
        stdout = "",
        stderr = "",
      } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code !== "number") throw error;
      return { code, stdout, stderr };
    }
  }

  /** @throws Error with the output when the command fails */
  async check(command: string, args: readonly string[], timeoutMs?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args, timeoutMs);
    if (code !== 0)
      throw new Error(`${[command, ...args].join(" ")} failed (${code}):\n${stdout}\n${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
