import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

const page = readFileSync(new URL("../../../docs/GLOSSARY.md", import.meta.url), "utf8");
const words = [...page.matchAll(/^- \*\*(.+?)\*\*: /gm)].map(([, word = ""]) => word.replace(/[`.]/g, ""));

describe("docs/GLOSSARY.md", () => {
  test("is in alphabetical order, each word once", () => {
    assert.ok(words.length > 40);
    assert.deepEqual(
      words,
      [...new Set(words)].sort((a, b) => a.localeCompare(b, "en")),
    );
  });
});
