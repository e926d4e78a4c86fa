import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** Each thread of this process by its number; on Linux alone. */
const threadsFolder = "/proc/self/task";

/**
 * Takes the highest priority, as the official server does (`Mayaqua/Unix.c` UnixSetHighPriority): a frame that waits behind
 * another program's work is late for everybody. Without the right to it, the process goes on with what it has. On Windows the highest
 * one would come before the system's own threads.
 *
 * On Linux a priority is that of one thread, and those to come have it from the one that makes them. The runtime's own, which are there
 * already, collect garbage beside this one, which has to wait for them and to do what they leave: behind other programs they would
 * hold it up. They come after it, so that it goes first where there is but one processor.
 */
export function raisePriority(): void {
  const { PRIORITY_HIGH, PRIORITY_HIGHEST } = constants.priority;
  if (!takes(process.pid, process.platform === "win32" ? PRIORITY_HIGH : PRIORITY_HIGHEST)) return;
  for (const thread of otherThreads()) takes(thread, PRIORITY_HIGH);
}

/** False for an ordinary user's process, and for a thread that has ended. */
function takes(id: number, priority: number): boolean {
  try {
    setPriority(id, priority);
    return true;
  } catch {
    return false;
  }
}

function otherThreads(): number[] {
  if (process.platform !== "linux") return [];
  try {
    return readdirSync(threadsFolder)
      .map(Number)
      .filter((thread) => thread !== process.pid);
  } catch {
    // Where /proc is not mounted.
    return [];
  }
}
