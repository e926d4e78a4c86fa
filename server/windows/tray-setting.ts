import { join } from "node:path";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { readOwnFile } from "../platform/own-file.ts";
import type { StatePaths } from "../state-paths.ts";

/** Beside the configuration: what it says holds for the server of this state directory. */
function fileOf({ stateDirectory }: StatePaths): string {
  return join(stateDirectory, "tray.json");
}

/** Whether the icon is shown; yes where nobody has chosen, or the file cannot be used. */
export async function readTrayShown(paths: StatePaths): Promise<boolean> {
  try {
    const { shown } = JSON.parse((await readOwnFile(fileOf(paths))).toString()) as { shown?: unknown };
    return shown !== false;
  } catch {
    return true;
  }
}

/** Remembers whether the icon is shown. */
export async function writeTrayShown(paths: StatePaths, shown: boolean): Promise<void> {
  await writeFileAtomically(fileOf(paths), `${JSON.stringify({ shown })}\n`, { mode: 0o600 });
}
