import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import type { WindowsKoffi } from "../koffi.ts";
import { WindowsLibrary, type Handle, type WindowsFunction } from "./functions.ts";
import { startThread } from "./thread.ts";

/** Messages to the window of the icon, from this process and from others of the same user (`WM_APP` and on). */
export const trayMessages = { show: 0x8002, hide: 0x8003 } as const;

/** The system gives up after 5 s by default; what was acknowledged is on the disk in any case. */
export const endSessionWaitMs = 15_000;
const closeMs = 3_000;

/** A line of the menu, with the number by which it is told. */
export type TrayMenuItem =
  { readonly number: number; readonly text: string; readonly isEnabled: boolean } | "separator";

export interface TrayThreadData {
  /** Path of koffi's library. */
  readonly library: string;
  /** By which others find the window. */
  readonly className: string;
  readonly title: string;
  /** What the icon shows when the mouse rests on it. */
  readonly hint: string;
  readonly items: readonly TrayMenuItem[];
  readonly isShown: boolean;
  /** An Int32 that becomes 1, with a notification, when the user's session may end. */
  readonly ended: SharedArrayBuffer;
}

export type TrayEvent =
  | { readonly type: "ready"; readonly window: bigint }
  /** Whether it is in the task bar now, where there is one. */
  | { readonly type: "icon"; readonly isShown: boolean }
  /** An item of the menu. */
  | { readonly type: "chosen"; readonly number: number }
  /** The user logs off. {@link Tray.letSessionEnd} answers it. */
  | { readonly type: "endSession" }
  /** A mistake in the thread, which goes on. */
  | { readonly type: "fault"; readonly text: string };

export type TrayOptions = Omit<TrayThreadData, "ended">;

/** An icon in the task bar, with a menu, in a thread of its own. */
export class Tray {
  readonly #thread: Worker;
  readonly #ended: SharedArrayBuffer;
  readonly #windows: TrayWindows;
  readonly #gone: Promise<unknown>;
  #window: Handle = null;
  /** Rejects when the window cannot be made. */
  readonly ready: Promise<void>;

  constructor(koffi: WindowsKoffi, options: TrayOptions, onEvent: (event: TrayEvent) => void) {
    this.#windows = new TrayWindows(koffi);
    this.#ended = new SharedArrayBuffer(4);
    this.#thread = startThread("tray", { ...options, ended: this.#ended } satisfies TrayThreadData);
    this.#gone = once(this.#thread, "exit");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#thread.on("error", reject);
    this.#thread.on("exit", () => reject(new Error("the window of the task bar's icon has gone")));
    this.#thread.on("message", (event: TrayEvent) => {
      if (event.type === "ready") {
        this.#window = event.window;
        resolve();
      }
      onEvent(event);
    });
  }

  show(): void {
    if (this.#window !== null) this.#windows.post(this.#window, trayMessages.show);
  }

  hide(): void {
    if (this.#window !== null) this.#windows.post(this.#window, trayMessages.hide);
  }

  /** What was to be done before the user's session ends is done. */
  letSessionEnd(): void {
    const flag = new Int32Array(this.#ended);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  }

  /** Takes the icon away. @returns whether the thread has ended, without which no runtime ends in order */
  async close(): Promise<boolean> {
    this.letSessionEnd();
    if (this.#window !== null) this.#windows.post(this.#window, WM_CLOSE);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, closeMs, false)));
    const isGone = await Promise.race([this.#gone.then(() => true), tooLate]);
    clearTimeout(timer);
    return isGone;
  }
}

const WM_CLOSE = 0x10;

/** Windows of icons, of this and other processes of the same user. */
export class TrayWindows {
  readonly #find: WindowsFunction<[string, null], Handle>;
  readonly #post: WindowsFunction<[Handle, number, number, number], number>;

  constructor(koffi: WindowsKoffi) {
    const user = new WindowsLibrary(koffi, "user32.dll");
    this.#find = user.declare("FindWindowW", "void *", ["str16", "str16"]);
    this.#post = user.declare("PostMessageW", "int", ["void *", "uint32_t", "uintptr_t", "intptr_t"]);
  }

  /** `null` when there is none of this class. */
  find(className: string): Handle {
    return this.#find(className, null) || null;
  }

  /** @returns whether there was such a window, and room in its queue */
  post(window: Handle, message: number): boolean {
    return this.#post(window, message, 0, 0) !== 0;
  }
}
