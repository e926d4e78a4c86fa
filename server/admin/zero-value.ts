import type { Field, Fields, MessageOf, ScalarKind, ScalarValues } from "./fields.ts";

/** What a field is when the message does not have it. */
export function zeroOf<Kind extends ScalarKind>(kind: Kind): ScalarValues[Kind];
export function zeroOf(kind: ScalarKind): ScalarValues[ScalarKind] {
  switch (kind) {
    case "u32":
    case "u64":
    case "time":
      return 0;
    case "bool":
      return false;
    case "str":
    case "utf":
    case "ip":
      return "";
    case "bin":
      return Buffer.alloc(0);
  }
}

/** A message that says nothing, with all its fields. */
export function zeroMessage<F extends Fields>(fields: F): MessageOf<F> {
  const zero = (field: Field) => (field.type === "scalar" ? zeroOf(field.kind) : []);
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, zero(field)]),
  ) as MessageOf<F>;
}
