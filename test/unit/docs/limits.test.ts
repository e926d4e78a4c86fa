import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as limits from "../../../server/limits.ts";

const page = readFileSync(new URL("../../../docs/reference/limits.md", import.meta.url), "utf8");

/** Every bound by its name in the sources, such as `handshakeLimits.requests`. */
const bounds: { readonly name: string; readonly value: unknown }[] = Object.entries(limits).flatMap(
  ([name, value]) =>
    typeof value === "number"
      ? [{ name, value }]
      : Object.entries(value).map(([key, inner]: [string, unknown]) => ({
          name: `${name}.${key}`,
          value: inner,
        })),
);

/** The ways in which the page writes a bound: as it is, or in seconds. */
function spellings(name: string, value: unknown): string[] {
  if (typeof value === "object" && value !== null)
    return Object.values(value).map((number) => String(number));
  const number = Number(value);
  return name.endsWith("Ms") && number >= 1000 ? [`${number / 1000} s`] : [number.toLocaleString("en-US")];
}

describe("docs/reference/limits.md", () => {
  for (const { name, value } of bounds) {
    test(`tells the value of ${name}`, () => {
      const row = page.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
      assert.ok(row, "has no row");
      for (const spelling of spellings(name, value))
        assert.ok(row.includes(spelling), `${row}: no ${spelling}`);
    });
  }

  test("names no bound that is not there", () => {
    const named = [...page.matchAll(/^\| `([\w.]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(
      named.filter((name) => !bounds.some((bound) => bound.name === name)),
      [],
    );
  });
});
