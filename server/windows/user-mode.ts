import { createHash } from "node:crypto";
import type { Handle } from "../native/windows/functions.ts";
import { trayMessages, type Tray, type TrayEvent } from "../native/windows/tray.ts";
import type { WindowsCalls } from "../native/windows/windows-calls.ts";
import type { StatePaths } from "../state-paths.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import { wordsOf } from "../error-words.ts";
import { runSupervisor } from "../supervisor/execsvc.ts";
import { productName } from "./service-plan.ts";
import { choiceOf, hideText, trayMenu } from "./tray-menu.ts";
import { readTrayShown, writeTrayShown } from "./tray-setting.ts";

/** Class of the window by which other processes of this user find the one that runs the server of a state directory. */
export function trayClassOf({ stateDirectory }: StatePaths): string {
  // Windows does not tell upper case from lower case.
  const hash = createHash("sha256").update(stateDirectory.toLowerCase()).digest("hex").slice(0, 16);
  return `vpnserver-tray-${hash}`;
}

/** The window of a server that runs in user mode; `null` when none does. */
export function findUserMode(calls: WindowsCalls, paths: StatePaths): Handle {
  return calls.trayWindows.find(trayClassOf(paths));
}

/** Has a server that runs in user mode show or hide its icon. @returns whether it could be told */
export function tellUserMode(calls: WindowsCalls, window: Handle, shown: boolean): boolean {
  return calls.trayWindows.post(window, shown ? trayMessages.show : trayMessages.hide);
}

export interface UserModeOptions {
  /** `undefined` where the library for native calls is not there: the server then runs without an icon. */
  readonly calls: WindowsCalls | undefined;
  readonly paths: StatePaths;
  /** Called once the server serves. */
  readonly onStarted: (status: RunningStatus) => void;
}

/**
 * Runs supervisor and icon in this process, until the server ends: by the menu, by `vpnserver stop`, or because the user logs off.
 *
 * @returns the exit code
 * @throws {ServerError} why the server could not start
 */
export async function runUserMode({ calls, paths, onStarted }: UserModeOptions): Promise<number> {
  const stop = new AbortController();
  const icon = calls && new UserModeIcon(calls, paths, () => stop.abort());
  try {
    const run = runSupervisor({
      paths,
      signal: stop.signal,
      onStarted: (status) => {
        void icon?.serve();
        onStarted(status);
      },
    });
    return await run;
  } finally {
    await icon?.close();
  }
}

/** The icon of the server that runs in this process. */
class UserModeIcon {
  readonly #calls: WindowsCalls;
  readonly #paths: StatePaths;
  readonly #exit: () => void;
  readonly #tray: Tray;

  constructor(calls: WindowsCalls, paths: StatePaths, exit: () => void) {
    this.#calls = calls;
    this.#paths = paths;
    this.#exit = exit;
    const options = {
      className: trayClassOf(paths),
      title: productName,
      hint: `${productName} (user mode)`,
      items: trayMenu,
      // Not before there is a server that it stands for.
      isShown: false,
    };
    this.#tray = calls.openTray(options, (event) => this.#onEvent(event));
    // Without a desktop there is no window; the server goes on.
    this.#tray.ready.catch(() => {});
  }

  /** The server serves: from now on the icon is shown, unless somebody has hidden it. */
  async serve(): Promise<void> {
    if (await readTrayShown(this.#paths))
      await this.#tray.ready.then(() => this.#tray.show()).catch(() => {});
  }

  async close(): Promise<void> {
    // A runtime that exits waits for its threads, and one that hangs in Windows would keep this process.
    if (!(await this.#tray.close())) process.kill(process.pid, "SIGKILL");
  }

  #onEvent(event: TrayEvent): void {
    if (event.type === "endSession") this.#exit();
    if (event.type === "fault") this.#calls.reportToEventLog(productName, event.text);
    if (event.type !== "chosen") return;
    const choice = choiceOf(event.number);
    if (choice === "exit") this.#exit();
    if (choice === "hide") void this.#hide();
  }

  async #hide(): Promise<void> {
    if (!(await this.#calls.session.confirm(productName, hideText))) return;
    this.#tray.hide();
    try {
      await writeTrayShown(this.#paths, false);
    } catch (error) {
      await this.#calls.session.tell(
        "warning",
        productName,
        `The icon is back after the next start: ${wordsOf(error)}`,
      );
    }
  }
}
