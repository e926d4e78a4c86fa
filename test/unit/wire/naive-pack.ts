import type { PackValues } from "../../../server/wire/pack.ts";

export type NaiveElement = readonly [name: string, content: PackValues];

const types = { int: 0, data: 1, str: 2, unistr: 3, int64: 4 } as const;

/** A second PACK encoder, written for nothing but to be obviously right: the format of the reference, as hexadecimal. */
export function naiveEncode(elements: readonly NaiveElement[]): string {
  const u32 = (value: number) => value.toString(16).padStart(8, "0");
  const sized = (bytes: Uint8Array) => u32(bytes.length) + Buffer.from(bytes).toString("hex");
  const value = (content: PackValues, index: number): string => {
    switch (content.type) {
      case "int":
        return u32(content.values[index] ?? NaN);
      case "data":
        return sized(content.values[index] ?? Buffer.alloc(0));
      case "str":
        return sized(Buffer.from(content.values[index] ?? ""));
      case "unistr":
        return sized(Buffer.concat([Buffer.from(content.values[index] ?? ""), Buffer.from([0])]));
      case "int64":
        return (content.values[index] ?? 0n).toString(16).padStart(16, "0");
    }
  };
  const element = ([name, content]: NaiveElement) =>
    u32(name.length + 1) +
    Buffer.from(name).toString("hex") +
    u32(types[content.type]) +
    u32(content.values.length) +
    Array.from({ length: content.values.length }, (_value, index) => value(content, index)).join("");
  return u32(elements.length) + elements.map(element).join("");
}
