import { dirname } from "node:path";
import { carriedKoffi, type LibraryFolder } from "./koffi-file.ts";
import { loadKoffiFrom } from "./koffi-loading.ts";
import { SystemCalls } from "./system-calls.ts";

/**
 * What the operating system offers beyond the Node.js runtime, or why it is out of reach. Whoever asks for it has a plain way too, or
 * says that a feature is not there, with this reason.
 */
export type Native =
  | { readonly available: true; readonly library: string; readonly calls: SystemCalls }
  | { readonly available: false; readonly reason: string };

/** Environment variable: with `off` the library is not loaded, with `on` it is when the server starts; else when it is needed. */
const nativeVariable = "VPNSERVER_NATIVE";

export interface NativeOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the server's own, for the library of an executable that was not installed. */
  readonly directory: string;
}

/** Calls into the operating system for the parts of one process. */
export class NativeLoader {
  readonly #options: NativeOptions;
  #loading: Promise<Native> | undefined;
  #loaded: Native | undefined;

  constructor(options: NativeOptions) {
    this.#options = options;
    if (options.env[nativeVariable] === "on") void this.get();
  }

  /** Loads the library when it is called for the first time; never rejects. */
  get(): Promise<Native> {
    this.#loading ??= loadNative(this.#options).then((native) => (this.#loaded = native));
    return this.#loading;
  }

  /** What came of it; `undefined` until the first {@link get} has resolved. */
  get loaded(): Native | undefined {
    return this.#loaded;
  }
}

/** Why native calls are not wanted; undefined when they are. */
export function nativeSwitch(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env[nativeVariable] === "off" ? `${nativeVariable} is off` : undefined;
}

/** Loads the library of this program. Never rejects. */
export async function loadNative({ env, directory }: NativeOptions): Promise<Native> {
  const off = nativeSwitch(env);
  if (off !== undefined) return { available: false, reason: off };
  if (process.platform !== "linux") {
    return { available: false, reason: `network devices of ${process.platform} are not known here` };
  }
  // An installation has put it beside the executable. The last of them is for state directories that are mounted noexec.
  const beside = dirname(process.execPath);
  return loadNativeFrom([
    { path: beside, write: false },
    { path: directory, write: true },
    { path: beside, write: true },
  ]);
}

/**
 * Loads the library from the first of the folders from which that is possible.
 *
 * @param carried bytes of the library; from the sources it is where npm has put it
 */
export async function loadNativeFrom(
  folders: readonly LibraryFolder[],
  carried = carriedKoffi(),
): Promise<Native> {
  const loaded = await loadKoffiFrom(folders, carried);
  if ("reason" in loaded) return { available: false, reason: loaded.reason };
  const { koffi } = loaded;
  return { available: true, library: `koffi ${koffi.version}`, calls: new SystemCalls(koffi) };
}
