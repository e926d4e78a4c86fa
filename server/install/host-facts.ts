import { wordsOf } from "../error-words.ts";
import { findInitSystem } from "../init/init-systems.ts";
import { currentUser } from "../platform/current-user.ts";
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
  const initSystem = findInitSystem();
  return {
    uid,
    user: username,
    sudoUser: uid === 0 ? env["SUDO_USER"] : undefined,
    initSystem,
    superuser: process.platform === "win32" ? "administrator" : "root",
    sudo:
      uid !== 0 && "title" in initSystem && process.platform !== "win32"
        ? await trySudo(run, executable)
        : { works: false, reason: "sudo was not tried" },
  };
}

/** Runs the executable itself, since sudo may allow this and not that, and root may not be able to read every place. */
async function trySudo(run: RunProgram, executable: string): Promise<HostFacts["sudo"]> {
  let words: string;
  try {
    const result = await run("sudo", ["-n", "--", executable, "version"], { timeoutMs: 15_000 });
    if (result === undefined) return { works: false, reason: "there is no sudo" };
    if (result.code === 0) return { works: true };
    words =
      failureOf({ ...result, stdout: "" })
        .split("\n")
        .at(-1) ?? "";
  } catch (error) {
    words = wordsOf(error);
  }
  return { works: false, reason: `sudo asks for more than the user has (${words})` };
}
