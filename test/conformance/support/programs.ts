import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { access, chmod, constants, mkdtemp, open, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { defaultCacheDirectory } from "../../../tools/cache-directory.ts";

/** A program that keeps the contract of `pulumi-resource-command`. */
export interface PluginProgram {
  readonly name: "stand-in" | "official program";
  readonly command: string;
  readonly arguments: readonly string[];
}

const repository = join(import.meta.dirname, "../../..");
const executable = "pulumi-resource-command";

/** The plugin of this repository, run with the Node that runs the tests. */
export const standIn: PluginProgram = {
  name: "stand-in",
  command: process.execPath,
  arguments: [join(repository, "tools/command-plugin/main.ts")],
};

/**
 * The official program 1.2.1: in Pulumi's plugin folders, where set-up keeps downloads, on PATH, or packed in the
 * `shared` folder beside the checkout.
 *
 * @param directory where a packed program is unpacked to
 */
export async function findOfficialProgram(directory: string): Promise<PluginProgram | undefined> {
  const pulumiHomes = [process.env.PULUMI_HOME, join(homedir(), ".pulumi")].filter(
    (home) => home !== undefined,
  );
  const candidates = [
    ...pulumiHomes.map((home) => join(home, "plugins/resource-command-v1.2.1", executable)),
    join(defaultCacheDirectory(), "command-plugin-1.2.1-linux-x64", executable),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, executable)),
  ];
  for (const command of candidates) {
    if (await isNativeExecutable(command)) return { name: "official program", command, arguments: [] };
  }
  const command = await unpackOfficialProgram(executable, directory);
  return command === undefined ? undefined : { name: "official program", command, arguments: [] };
}

/** Unpacks an official program from the `shared` folder beside the checkout, where it is there for this machine. */
export async function unpackOfficialProgram(name: string, directory: string): Promise<string | undefined> {
  const packed = join(repository, "../shared/bin", `${name}.xz`);
  if (process.platform !== "linux" || process.arch !== "x64" || !(await exists(packed))) return undefined;
  const command = join(directory, name);
  await unpack(packed, command);
  return command;
}

/** Both programs, or the stand-in alone where the official one cannot be had. */
export interface Programs {
  readonly programs: readonly PluginProgram[];
  remove(): Promise<void>;
}

/** Looks for the programs to be compared. The official one comes first, so that expectations are seen to be its own. */
export async function findPrograms(): Promise<Programs> {
  const directory = await mkdtemp(join(tmpdir(), "command-conformance-"));
  const official = await findOfficialProgram(directory);
  return {
    programs: official ? [official, standIn] : [standIn],
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The stand-in's launcher, which may be on PATH too, is a script; the official program is not. */
export async function isNativeExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return bytesRead === 4 && buffer.readUInt32BE(0) === 0x7f454c46;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function unpack(packed: string, target: string): Promise<void> {
  const xz = spawn("xz", ["-dc", packed], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(xz, "close") as Promise<[number | null]>;
  await pipeline(xz.stdout, createWriteStream(target));
  const [code] = await ended;
  if (code !== 0) throw new Error(`xz could not unpack ${packed}: it ended with ${String(code)}`);
  await chmod(target, 0o755);
}
