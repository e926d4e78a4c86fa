import type { TypeObject } from "koffi";
import type { WindowsKoffi } from "../koffi.ts";
import { WindowsError } from "./windows-error.ts";

/** What Windows calls a handle or a pointer; `null` or 0 where there is none. */
export type Handle = bigint | number | null;

type Library = ReturnType<WindowsKoffi["load"]>;

/** A type by its name in koffi, a structure, or what a function fills in. */
export type ParameterType = string | TypeObject | ReturnType<WindowsKoffi["out"]>;

/** A function of a library of Windows. */
export interface WindowsFunction<Arguments extends readonly unknown[], Result> {
  (...values: Arguments): Result;
  /** The same from a thread of the runtime's pool, which it holds until it returns. */
  inBackground(...values: Arguments): Promise<Result>;
}

/**
 * Every function is declared with at least this many parameters. koffi calls on a stack of its own that ends with the arguments, and what
 * Wine does at the entry to the system reads the places of the fifth and sixth, whether or not there are such. Windows ignores what
 * comes after a function's own.
 */
const leastParameters = 6;

/** Functions of one library of Windows, such as `user32.dll`. */
export class WindowsLibrary {
  readonly #library: Library;

  constructor(koffi: WindowsKoffi, file: string) {
    this.#library = koffi.load(file);
  }

  /** @throws Error of koffi for a function that is not there */
  declare<Arguments extends readonly unknown[], Result>(
    name: string,
    result: ParameterType,
    parameters: readonly ParameterType[],
  ): WindowsFunction<Arguments, Result> {
    const padding = Math.max(0, leastParameters - parameters.length);
    const padded = [...parameters, ...Array.from({ length: padding }, () => "uintptr_t")];
    const call = this.#library.func(name, result, padded);
    const zeros: readonly number[] = Array.from({ length: padding }, () => 0);
    const declared = (...values: Arguments): Result => call(...values, ...zeros) as Result;
    const inBackground = (...values: Arguments): Promise<Result> =>
      new Promise((resolve, reject) => {
        call.async(...values, ...zeros, (error: Error | null, value: Result) =>
          error === null ? resolve(value) : reject(error),
        );
      });
    return Object.assign(declared, { inBackground });
  }
}

/** The error of the last function that failed, which has to be asked for at once. */
export class LastError {
  readonly #get: WindowsFunction<[], number>;

  constructor(koffi: WindowsKoffi) {
    this.#get = new WindowsLibrary(koffi, "kernel32.dll").declare("GetLastError", "uint32_t", []);
  }

  /**
   * What a function returned that returns nothing, or 0, when it fails.
   *
   * @throws {WindowsError}
   */
  checked<T>(what: string, result: T): NonNullable<T> {
    if (!result) throw new WindowsError(what, this.#get());
    return result;
  }
}
