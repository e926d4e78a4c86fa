import type * as koffi from "koffi";

/** What this room takes of koffi (https://koffi.dev), whose library calls functions of C without a compiler on the host. */
export type Koffi = Pick<typeof koffi, "load" | "address" | "errno" | "node" | "version">;

export type KoffiFunction = ReturnType<ReturnType<Koffi["load"]>["func"]>;

/**
 * Loads the library.
 *
 * @throws Error of the dynamic loader, such as for a file system that is mounted noexec
 */
export function loadKoffi(file: string): Koffi {
  const module = { exports: {} as Koffi };
  process.dlopen(module, file);
  return module.exports;
}
