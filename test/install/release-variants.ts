import { appendFile, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The release that `npm run build` made. */
export const builtRelease = join(import.meta.dirname, "../../dist/vpnserver-linux-x64");

/** Puts a release into `directory` that differs from the built one in nothing but its SHA-256. */
export async function anotherRelease(directory: string, name: string): Promise<string> {
  const path = await copyOfRelease(directory, name);
  await appendFile(path, name);
  return path;
}

/** A release whose listeners take connections, and answer nothing. */
export function muteRelease(directory: string): Promise<string> {
  return changedRelease(directory, "mute", "pauseOnConnect: !0 }, accept)", "pauseOnConnect: !0 }, ()=>{})");
}

/** A release whose worker never tells that it is ready. */
export function hangingRelease(directory: string): Promise<string> {
  return changedRelease(directory, "hanging", 'type: "ready"', 'type: "hangs"');
}

/** Changes the program inside the executable, by a text of the same length. */
async function changedRelease(directory: string, name: string, from: string, to: string): Promise<string> {
  const path = await copyOfRelease(directory, name);
  const bytes = await readFile(path);
  const index = bytes.indexOf(from);
  if (index === -1 || bytes.indexOf(from, index + 1) !== -1 || from.length !== to.length) {
    throw new Error(`"${from}" is not exactly once in ${path}: name another place to change`);
  }
  bytes.write(to, index, "latin1");
  await writeFile(path, bytes);
  return path;
}

async function copyOfRelease(directory: string, name: string): Promise<string> {
  await mkdir(join(directory, name), { recursive: true });
  const path = join(directory, name, "vpnserver");
  await copyFile(builtRelease, path);
  return path;
}
