import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "../../../tools/build/build.ts";
import { defaultCacheDirectory } from "../../../tools/cache-directory.ts";

const root = join(import.meta.dirname, "../../..");
const sources = [
  "tools/build",
  "tools/cache-directory.ts",
  "Pulumi.yaml",
  "PulumiPlugin.yaml",
  "index.ts",
  "package.json",
  "tsconfig.json",
  "components",
  "program",
  "server",
];

/** A copy of the fleet program with a release of its own, which can be built anew without touching the checkout's. */
export class ProgramCopy {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** The copy begins with the checkout's own build. */
  static async create(): Promise<ProgramCopy> {
    const directory = await mkdtemp(join(tmpdir(), "vpnserver-program-"));
    for (const source of sources) await cp(join(root, source), join(directory, source), { recursive: true });
    await cp(join(root, "dist"), join(directory, "dist"), { recursive: true });
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    return new ProgramCopy(directory);
  }

  /** Builds the next version. Resolves to the SHA-256 of its executable. */
  async buildNextVersion(): Promise<string> {
    await this.#edit("package.json", (text) =>
      text.replace(/("version": "\d+\.\d+\.)(\d+)/, (_, head, patch) => `${head}${Number(patch) + 1}`),
    );
    return await this.#build();
  }

  /** Builds a release whose listeners take connections and then answer nothing. */
  async buildMuteRelease(): Promise<string> {
    await this.#edit(
      "server/worker/server.ts",
      () => `
import { createServer } from "node:net";
export async function startServer({ configuration: { settings: { listeners } }, onListenersChanged }) {
  const statuses = listeners.map(({ port }) => ({ port, state: "Listening" }));
  for (const { port } of listeners) createServer(() => undefined).listen(port);
  onListenersChanged?.(statuses);
  return { listeners: () => statuses, close: async () => undefined };
}
`,
    );
    return await this.#build();
  }

  async #edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.directory, file);
    await writeFile(path, change(await readFile(path, "utf8")));
  }

  async #build(): Promise<string> {
    const manifest = await buildAll({
      root: this.directory,
      cacheDirectory: defaultCacheDirectory(),
      platforms: ["linux-x64"],
      library: false,
      log: () => undefined,
    });
    const artifact = manifest.artifacts["linux-x64"];
    if (artifact === undefined) throw new Error("the build made no executable for linux-x64");
    return artifact.sha256;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
