import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { wordsOf } from "../error-words.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import type { HostFacts } from "./mode-choice.ts";

/** Finds out what decides about the mode, trying sudo only where that decides it. */
export async function probeHost(options: {
  readonly run: RunProgram;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What would be run as root. */
  readonly executable: string;
}): Promise<HostFacts> {
  const { run, env, executable } = options;
  const { uid, username } = currentUser();
  const systemd = isDirectory("/run/systemd/system");
  return {
    uid,
    user: username,
    sudoUser: uid === 0 ? env["SUDO_USER"] : undefined,
    systemd,
    sudo:
      uid !== 0 && systemd ? await trySudo(run, executable) : { works: false, reason: "sudo was not tried" },
  };
}

/** Runs the executable itself, since sudo may allow this and not that, and root may not be able to read every place. */
async function trySudo(run: RunProgram, executable: string): Promise<HostFacts["sudo"]> {
  let words: string;
  try {
    const result = await run("sudo", ["-n", "--", executable, "version"], { timeoutMs: 15_000 });
    if (result === undefined) return { works: false, reason: "there is no sudo" };
    if (result.code === 0) return { works: true };
    words = failureOf({ ...result, stdout: "" }).replace(/[^]*\n/, "");
  } catch (error) {
    words = wordsOf(error);
  }
  return { works: false, reason: `sudo asks for more than the user has (${words})` };
}

/** A user without a name is told by the id: a container may run as any. */
function currentUser(): { readonly uid: number; readonly username: string } {
  try {
    const { uid, username } = userInfo();
    return { uid, username };
  } catch {
    const uid = process.geteuid?.() ?? 0;
    return { uid, username: String(uid) };
  }
}

/**
 * Whether systemd-logind ends the processes of this user when the last session closes, so that a server in user mode would
 * not outlive the SSH connection. It does so where KillUserProcesses is set and the user does not linger (logind.conf(5)).
 */
export async function endsWithSession(run: RunProgram): Promise<boolean> {
  const { uid, username } = currentUser();
  if (!isDirectory("/run/systemd/system")) return false;
  const manager = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"];
  const property = async (name: string) =>
    (await run("busctl", ["get-property", ...manager, name], { timeoutMs: 5_000 }))?.stdout.trim() ?? "";
  if ((await property("KillUserProcesses")) !== "b true") return false;
  const excluded = /"([^"]+)"/g;
  const names = (text: string) => [...text.matchAll(excluded)].map((match) => match[1]);
  if (names(await property("KillExcludeUsers")).includes(username)) return false;
  const only = names(await property("KillOnlyUsers"));
  if (only.length > 0 && !only.includes(username)) return false;
  const lingering = await readFile(`/var/lib/systemd/linger/${username}`).then(
    () => true,
    () => false,
  );
  return !lingering && uid !== 0;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
