import { constants } from "node:fs";
import { chmod, copyFile, mkdtemp, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runtimeOptions } from "../../server/supervisor/self-command.ts";
import { runTool } from "./run-tool.ts";
import { makeWindowsProgram } from "./windows/program-file.ts";

/** Marks in the runtime whether a program was put into it; given by Node.js. */
const sentinelFuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Where the runtime looks for the program. */
const blobName = "NODE_SEA_BLOB";

/**
 * Without code cache and snapshot, which are bound to the platform they were made on, so that one machine builds for
 * all. NODE_OPTIONS is not heeded: the server must not depend on the shell it is started from.
 */
const settings = {
  main: "vpnserver.cjs",
  output: "vpnserver.blob",
  disableExperimentalSEAWarning: true,
  useCodeCache: false,
  useSnapshot: false,
  execArgv: runtimeOptions,
  execArgvExtension: "none",
};

/** What decides about the executable's bytes besides program and runtime. */
export const executableRecipe = JSON.stringify(settings);

export interface ExecutableContent {
  /** CommonJS code. */
  readonly program: Uint8Array;
  /** Paths of the files that it carries, by the names that it asks for. */
  readonly assets: Readonly<Record<string, string>>;
  /** Of the product, such as `1.2.3`. */
  readonly version: string;
}

/**
 * Puts a program into a Node.js runtime, for any platform, and the result at `target` (mode 755), all or nothing.
 *
 * @param runtime path of the platform's Node.js, `node.exe` for Windows; it is left as it is
 * @param workDirectory folder on the target's file system that the caller removes
 */
export async function makeExecutable(
  { program, assets, version }: ExecutableContent,
  runtime: string,
  workDirectory: string,
  target: string,
): Promise<void> {
  const work = await mkdtemp(join(workDirectory, "executable-"));
  // The settings' relative paths go into the blob: they must be the same everywhere.
  await writeFile(join(work, settings.main), program);
  const names = Object.keys(assets).sort();
  for (const name of names) await copyFile(assets[name] as string, join(work, name));
  const configuration = { ...settings, assets: Object.fromEntries(names.map((name) => [name, name])) };
  await writeFile(join(work, "sea.json"), JSON.stringify(configuration));
  await runTool(process.execPath, ["--experimental-sea-config", "sea.json"], {
    cwd: work,
    timeoutMs: 60_000,
  });
  const executable = join(work, "vpnserver");
  if (runtime.endsWith(".exe")) {
    const blob = await readFile(join(work, settings.output));
    const parts = { blob, blobName, fuse: sentinelFuse, version };
    await writeFile(executable, await makeWindowsProgram(await readFile(runtime), parts));
  } else {
    await copyFile(runtime, executable, constants.COPYFILE_FICLONE);
    // Writable to this user, which the runtime need not be.
    await chmod(executable, 0o755);
    await injectBlob(executable, settings.output, work);
  }
  await chmod(executable, 0o755);
  await rename(executable, target);
}

/** For ELF. What resedit does for Windows in a second, icon and version included, takes this one twelve without them. */
async function injectBlob(executable: string, blob: string, work: string): Promise<void> {
  const postject = createRequire(import.meta.url).resolve("postject/dist/cli.js");
  await runTool(process.execPath, [postject, executable, blobName, blob, "--sentinel-fuse", sentinelFuse], {
    cwd: work,
    timeoutMs: 5 * 60_000,
  });
}
