import { spawn } from "node:child_process";
import { join } from "node:path";

/** Once a second; who runs the program has ended by then, or keeps what is left. */
const attempts = 60;

/**
 * On Windows: takes folders away whose programs still run, such as that which calls this, as soon as they have ended; then others, if they
 * are empty. A process of the command shell does it, which outlives this one and ends by itself.
 *
 * @param folders with what is in them
 * @param emptyFolders in this order
 */
export function removeWhenEnded(folders: readonly string[], emptyFolders: readonly string[]): void {
  // Paths come in by the environment: the shell would take what is in them for commands of its own.
  const env: NodeJS.ProcessEnv = {};
  const nameAll = (kind: string, paths: readonly string[]) =>
    paths.map((path, index) => {
      const name = `VPNSERVER_${kind}${index}`;
      env[name] = path;
      return `"%${name}%"`;
    });
  const left = nameAll("LEFT", folders);
  const empty = nameAll("EMPTY", emptyFolders);
  const all = left.map((path) => `(if exist ${path} rmdir /s /q ${path})`).join(" & ");
  const isDone = left.map((path) => `if not exist ${path}`).join(" ");
  const end = [...empty.map((path) => `rmdir ${path}`), "exit"].join(" & ");
  const script = `for /l %i in (1,1,${attempts}) do (${all} & (${isDone} (${end})) & ping -n 2 127.0.0.1)`;
  const system = join(process.env["SystemRoot"] ?? "C:\\Windows", "System32");
  const child = spawn(join(system, "cmd.exe"), ["/d", "/v:off", "/s", "/c", `"${script}"`], {
    cwd: system,
    env: { SystemRoot: process.env["SystemRoot"], PATH: system, ...env },
    windowsVerbatimArguments: true,
    detached: true,
    windowsHide: true,
    stdio: "ignore",
  });
  // What is left then is taken away by the next installation there, and by nothing else.
  child.on("error", () => {});
  child.unref();
}
