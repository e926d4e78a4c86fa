import type * as koffi from "koffi";

/** What this room takes of koffi (https://koffi.dev), whose library calls functions of C without a compiler on the host. */
export type Koffi = Pick<typeof koffi, "load" | "address" | "errno" | "node" | "version">;

/** What Windows takes besides: structures by their members, and functions that the system calls back. */
export type WindowsKoffi = Koffi &
  Pick<typeof koffi, "struct" | "array" | "pointer" | "proto" | "register" | "sizeof" | "out" | "inout">;

export type KoffiFunction = ReturnType<ReturnType<Koffi["load"]>["func"]>;

/**
 * Loads the library.
 *
 * @throws Error of the dynamic loader, such as for a file system that is mounted noexec
 */
export function loadKoffi(file: string): WindowsKoffi {
  const module = { exports: {} as WindowsKoffi };
  process.dlopen(module, file);
  return module.exports;
}
