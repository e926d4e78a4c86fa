import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath } from "./node-program.ts";
import type { PackageManagerName, RuntimeOptions } from "./runtime-options.ts";

/** In the order in which they are looked for. */
const lockFiles: readonly (readonly [PackageManagerName, readonly string[]])[] = [
  ["yarn", ["yarn.lock"]],
  ["pnpm", ["pnpm-lock.yaml"]],
  ["bun", ["bun.lockb", "bun.lock"]],
];

/**
 * The package manager of a program: the one that Pulumi.yaml names, else the one whose lock file is in the program's
 * folder or above it, as far as it is installed, else npm.
 *
 * @throws Error that says what to install
 */
export function choosePackageManager(
  options: RuntimeOptions,
  programDirectory: string,
  environment: NodeJS.ProcessEnv = process.env,
): PackageManagerName {
  const installed = (name: string) => findOnPath(name, environment["PATH"]) !== undefined;
  const installedOrThrow = (name: PackageManagerName) => {
    if (installed(name)) return name;
    throw new Error(
      `Could not find \`${name}\` executable.\nInstall ${name} and make sure it is in your PATH.`,
    );
  };
  if (options.packageManager !== "auto") return installedOrThrow(options.packageManager);
  if (/^(1|true)$/i.test(environment["PULUMI_PREFER_YARN"] ?? "") && installed("yarn")) return "yarn";
  for (const [name, files] of lockFiles) {
    if (files.some((file) => findUpwards(programDirectory, file) !== undefined) && installed(name))
      return name;
  }
  return installedOrThrow("npm");
}

/** The arguments with which a package manager installs what package.json names. */
export function installArguments(name: PackageManagerName, production: boolean): string[] {
  // npm would warn about fields that a program has no use for, such as a description.
  const args = name === "npm" ? ["install", "--loglevel=error"] : ["install"];
  return production ? [...args, name === "pnpm" ? "--prod" : "--production"] : args;
}

/** Path of a file in a folder or the nearest one above it. */
export function findUpwards(directory: string, file: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const path = join(folder, file);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}
