import fc from "fast-check";
import type { ConfigFolder } from "../../../server/config/text/config-node.ts";
import { anyCharacter } from "../any-character.ts";

const text = fc.string({ unit: anyCharacter, maxLength: 20 });
const type = fc.constantFrom("bool", "uint", "uint64", "string", "byte", "later");

function record<T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(shape, { noNullPrototype: true });
}

/** A folder of a configuration with whatever may be in one. */
export const arbitraryFolder = fc.letrec<{ folder: ConfigFolder }>((tie) => ({
  folder: record({
    kind: fc.constant("folder" as const),
    name: text,
    children: fc.array(
      fc.oneof(
        { depthSize: "small" },
        record({ kind: fc.constant("item" as const), type, name: text, value: text }),
        record({ kind: fc.constant("comment" as const), text: fc.stringMatching(/^#[a-z ]{0,9}[a-z]$/) }),
        tie("folder"),
      ),
      { maxLength: 5 },
    ),
  }),
})).folder;
