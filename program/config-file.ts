import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../components/arguments/argument-error.ts";

/** The largest file that the configuration names: 10,000 users with certificates are a third of it. */
const mostBytes = 64 * 1024 * 1024;

/** Where relative paths of the configuration begin: the folder of Pulumi.yaml. */
export function projectRoot(): string {
  const root = pulumi.getRootDirectory();
  // Language hosts of former years do not tell it; they begin in that folder.
  return isAbsolute(root) ? root : process.cwd();
}

/**
 * Reads a text that the configuration names by its path: an absolute one, one that begins with `~/`, or one below the project's root.
 *
 * @param key that names it, for messages
 * @throws ArgumentError that names key and path, and never tells the content
 */
export function readConfigFile(key: string, path: string, root: string): string {
  const file = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(root, path);
  const fail = (problem: string) =>
    new ArgumentError([`${key} is ${JSON.stringify(path)}: ${file} ${problem}`]);
  let bytes: Buffer;
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw fail("is no file");
    if (stats.size > mostBytes) throw fail(`is larger than ${mostBytes / 1024 / 1024} MiB`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ArgumentError) throw error;
    throw fail(`cannot be read: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
  try {
    // Takes a byte order mark away.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw fail("is no text in UTF-8");
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "the user who runs Pulumi may not read it";
  return code ?? message;
}
