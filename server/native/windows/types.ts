import type { TypeObject } from "koffi";
import type { WindowsKoffi } from "../koffi.ts";
import type { ParameterType } from "./functions.ts";

/** Types of each loaded library by their names, of which there may be one each. */
const known = new WeakMap<WindowsKoffi, Map<string, TypeObject>>();

/**
 * A structure of Windows. It has a name, since koffi gives a structure and a function without one the same, and then takes one for the
 * other.
 */
export function structure(
  koffi: WindowsKoffi,
  name: string,
  members: Readonly<Record<string, string | TypeObject>>,
): TypeObject {
  return once(koffi, name, () => koffi.struct(name, members));
}

/** A pointer to a function that Windows calls. */
export function callback(
  koffi: WindowsKoffi,
  name: string,
  result: string,
  parameters: readonly ParameterType[],
): TypeObject {
  return once(koffi, name, () => koffi.pointer(koffi.proto(name, result, [...parameters])));
}

function once(koffi: WindowsKoffi, name: string, make: () => TypeObject): TypeObject {
  const types = known.get(koffi) ?? new Map<string, TypeObject>();
  known.set(koffi, types);
  const type = types.get(name) ?? make();
  types.set(name, type);
  return type;
}
