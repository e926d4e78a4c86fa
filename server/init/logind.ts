import { readFile } from "node:fs/promises";
import { currentUser } from "../platform/current-user.ts";
import type { RunProgram } from "../platform/run-program.ts";
import { systemd } from "./systemd.ts";

/**
 * Whether systemd-logind ends the processes of this user when the last session closes, so that a server in user mode would
 * not outlive the SSH connection. It does so where KillUserProcesses is set and the user does not linger (logind.conf(5)).
 */
export async function endsWithSession(run: RunProgram): Promise<boolean> {
  const { uid, username } = currentUser();
  if (!systemd.detect()) return false;
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
