import { Archive, Asset, equal, type Value, type ValueMap } from "./property-values.ts";
import type { StructShape } from "./shapes.ts";

/**
 * The outputs of a preview: what will only be known afterwards is marked unknown.
 *
 * An output that repeats its input is known as far as the input is. The others are not known before a create, nor
 * before an update that changes an input. Assets always count as different from their input, as in the official program.
 *
 * @param state the outputs so far; `undefined` for a create
 */
export function markUnknowns(
  outputs: ValueMap,
  inputs: ValueMap,
  state: ValueMap | undefined,
  shape: StructShape,
): ValueMap {
  const changed =
    state === undefined || Object.keys(shape.fields).some((name) => isChanged(name, inputs, state));
  const marked = new Map<string, Value>();
  for (const [name, value] of outputs) {
    const isSource = value.data instanceof Asset || value.data instanceof Archive;
    const mirrored = inputs.has(name) && !isSource && equal(inputs.get(name), value);
    marked.set(name, changed && !mirrored ? { ...value, unknown: true } : value);
  }
  return marked;
}

function isChanged(name: string, inputs: ValueMap, state: ValueMap): boolean {
  if (inputs.get(name)?.unknown) return true;
  return state.has(name) && !equal(inputs.get(name), state.get(name));
}
