import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

/** Ratios that docs/BENCHMARKS.md gives: the last column of its tables. */
const ratios = new Set(
  [...read("docs/BENCHMARKS.md").matchAll(/^\|.*\| ([\d.]+) \|$/gm)].map(([, ratio = ""]) => ratio),
);

describe("the measured ratios of README.md", () => {
  test("are those of docs/BENCHMARKS.md", () => {
    const table =
      /^\| \| ours ÷ SoftEther .*\n\|---\|---\|\n((?:\|.*\n)+)/m.exec(read("README.md"))?.[1] ?? "";
    const told = [...table.matchAll(/[\d.]+(?=(?: and [\d.]+)? \|)/g)].map(([ratio]) => ratio);
    assert.ok(told.length > 5, table);
    for (const ratio of told) assert.ok(ratios.has(ratio), `${ratio} is not in docs/BENCHMARKS.md`);
  });
});
