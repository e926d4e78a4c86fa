import { writeUnlessFull } from "../platform/log-output.ts";
import type { StatePaths } from "../state-paths.ts";
import type { CliContext } from "./context.ts";

/** Prints a line of the log, with its line break, on standard output. */
export function printLog(line: string): void {
  writeUnlessFull(process.stdout, line);
}

/**
 * As the first process of a container, takes notice of the ends of processes that have lost their parent, as an init does: what is
 * executed in the container leaves such ones.
 */
export async function reapIfFirstProcess(context: CliContext, paths: StatePaths): Promise<void> {
  if (process.pid !== 1) return;
  const [{ loadNative }, { OrphanReaper }] = await Promise.all([
    import("../native/native.ts"),
    import("../native/orphan-reaper.ts"),
  ]);
  const native = await loadNative({ env: context.env, directory: paths.runDirectory });
  if (native.available) {
    new OrphanReaper({ reap: (pid) => native.calls.reap(pid) }).start();
    return;
  }
  context.note(
    `warning: processes that lose their parent in this container stay as zombies when they end (${native.reason}): have the container started with an init of its own, such as by \`docker run --init\``,
  );
}
