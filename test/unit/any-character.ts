import fc from "fast-check";

/** UTF-16 keeps these for its pairs: no character has such a number. */
const surrogates = { first: 0xd800, count: 0x800 };

/**
 * Any character of Unicode, as the unit of a text. `unit: "binary"` gives the same, but makes a table of all of them first,
 * which takes more than a second.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.nat({ max: 0x10_ffff - surrogates.count }).map(
  (index) => String.fromCodePoint(index < surrogates.first ? index : index + surrogates.count),
  (value) => {
    const code = typeof value === "string" ? value.codePointAt(0) : undefined;
    if (code === undefined || value !== String.fromCodePoint(code)) throw new Error("not one character");
    if (code < surrogates.first) return code;
    if (code < surrogates.first + surrogates.count) throw new Error("half a character");
    return code - surrogates.count;
  },
);
