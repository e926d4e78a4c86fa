import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { anchorsIn, brokenLinks, linksIn } from "./markdown-links.ts";

const root = join(import.meta.dirname, "../../..");

describe("links", () => {
  for (const page of globSync(["*.md", "{docs,examples}/**/*.md"], {
    cwd: root,
    exclude: ["**/node_modules"],
  })) {
    test(`of ${page} lead to files and headings that are there`, () => {
      assert.deepEqual(brokenLinks(root, page), []);
    });
  }
});

describe("CONTRIBUTING.md", () => {
  test("names files and folders that are there", () => {
    const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
    const paths = [...page.matchAll(/(?<=[`\s])(?:\.?[a-z]+\/)+[\w.*-]+\b/g)].map(([path]) => path);
    const ours = paths.filter((path) =>
      /^(attack|bench|components|docs|examples|fuzz|server|test|tools)\//.test(path),
    );
    assert.ok(ours.length > 20);
    assert.deepEqual(
      ours.filter((path) => globSync(path, { cwd: root }).length === 0),
      [],
    );
  });
});

describe("the check of links", () => {
  test("sees inline links and references, and neither other sites nor code", () => {
    const markdown = [
      '[a](a.md) [b](<b.md#x> "title") ![c](c.png) [`d`](d.md)',
      "[site](https://example.org) [mail](mailto:a@b.c) `[no](no.md)` ``[no](`no.md)``",
      "[e]: e.md",
      "```\n[no](no.md)\n```",
      "    [no](no.md)",
    ].join("\n\n");
    assert.deepEqual(linksIn(markdown), ["a.md", "b.md#x", "c.png", "d.md", "e.md"]);
  });

  test("knows the anchors of headings", () => {
    const markdown = "# A `b`: c, d\n\n## [Link](x.md) über\n\n## Same\n\n## Same\n\n```\n# no\n```\n";
    assert.deepEqual(anchorsIn(markdown), ["a-b-c-d", "link-über", "same", "same-1"]);
  });

  test("names what leads nowhere", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "links-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, "b.md"), "# There\n");
    await writeFile(
      join(folder, "a.md"),
      "[1](b.md#there) [2](b.md#gone) [3](c.md) [4](../d.md) [5](#gone)\n",
    );
    assert.deepEqual(
      brokenLinks(folder, "a.md").map((line) => line.split(" ").slice(1, 3).join(" ")),
      ["b.md#gone names", "c.md leads", "../d.md leads", "#gone names"],
    );
  });
});
