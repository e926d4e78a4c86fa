import fc from "fast-check";
import type {
  Fields,
  ItemFields,
  MessageOf,
  ScalarKind,
  ScalarValues,
} from "../../../server/admin/fields.ts";
import { formatAddress } from "../../../server/ethernet/ip-address.ts";

/** Nine hours after the Unix epoch the protocol's time begins; it ends in 2099. */
const firstTimeMs = 32_400_001;
const lastTimeMs = 4_102_243_323_123 + 32_400_000;

const text = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((value) => !value.includes("\0") && value.isWellFormed());

/** For each kind the values that PACK and JSON carry without a change. */
const scalars: { readonly [Kind in ScalarKind]: fc.Arbitrary<ScalarValues[Kind]> } = {
  u32: fc.nat({ max: 0xffff_ffff }),
  u64: fc.maxSafeNat(),
  bool: fc.boolean(),
  time: fc.oneof(fc.constant(0), fc.integer({ min: firstTimeMs, max: lastTimeMs })),
  str: text,
  utf: text,
  bin: fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
  ip: fc
    .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(formatAddress),
};

/** Any message with these fields. */
export function arbitraryMessage<F extends Fields>(fields: F): fc.Arbitrary<MessageOf<F>> {
  const entries = Object.entries(fields).map(([name, field]) => {
    if (field.type === "list") return [name, fc.array(arbitraryItem(field.fields), { maxLength: 3 })];
    const value = scalars[field.kind];
    return [name, field.type === "scalar" ? value : fc.array<unknown>(value, { maxLength: 3 })];
  });
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>, {
    noNullPrototype: true,
  }) as fc.Arbitrary<MessageOf<F>>;
}

function arbitraryItem(fields: ItemFields): fc.Arbitrary<unknown> {
  const entries = Object.entries(fields).map(([name, { kind }]) => [name, scalars[kind]]);
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>, {
    noNullPrototype: true,
  });
}
