import { wordsOf } from "../error-words.ts";
import { loadKoffi, type WindowsKoffi } from "./koffi.ts";
import { installedKoffiFile, placeKoffi, type LibraryFolder } from "./koffi-file.ts";

/** The library and its file, from which other threads load it as well; or why it cannot be loaded. */
export type KoffiLoading =
  { readonly koffi: WindowsKoffi; readonly file: string } | { readonly reason: string };

/**
 * Loads the library from the first of the folders from which that is possible. Never rejects.
 *
 * @param carried bytes of the library; `undefined` from the sources, where it lies where npm has put it
 */
export async function loadKoffiFrom(
  folders: readonly LibraryFolder[],
  carried: Uint8Array | undefined,
): Promise<KoffiLoading> {
  const problems = new Set<string>();
  const load = (file: string) => ({ koffi: loadKoffi(file), file });
  try {
    if (carried === undefined) return load(installedKoffiFile() ?? "");
  } catch (error) {
    return { reason: firstLineOf(error) };
  }
  for (const folder of folders) {
    try {
      return load(await placeKoffi(carried, folder));
    } catch (error) {
      problems.add(firstLineOf(error));
    }
  }
  return { reason: [...problems].join("; ") };
}

/** Without the list of who has asked for a module that is not there. */
function firstLineOf(error: unknown): string {
  return wordsOf(error).split("\n")[0] ?? "";
}
