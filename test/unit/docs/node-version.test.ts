import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Package {
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

const { engines, dependencies } = JSON.parse(read("package.json")) as Package;
const [, oldest] = /^>=(\d+)$/.exec(engines?.node ?? "") ?? [];

describe("the oldest Node.js that is supported", () => {
  for (const page of [
    "README.md",
    "CONTRIBUTING.md",
    "tools/bootstrap.mjs",
    ...globSync("{docs,examples}/**/*.md", { cwd: root, exclude: ["**/node_modules"] }),
  ]) {
    test(`is that of package.json wherever ${page} names one`, () => {
      const named = [...read(page).matchAll(/\bNode(?:\.js)? v?(\d+)(?:\.\d+)* (?:or|and) (?:later|newer)/g)];
      for (const [words, version] of named) assert.equal(version, oldest, words);
      if (!/^(docs|examples)\//.test(page)) assert.ok(named.length > 0, `${page} names none`);
      const others = /\bNode(?:\.js)? v?\d+(?:\.\d+)*\+|\bany Node|\bNode(?:\.js)? (?:>=|from )\d+/;
      assert.doesNotMatch(read(page), others, "is named in another form");
    });
  }

  for (const builder of ["tools/build/library.ts", "tools/setup/language-host.ts"]) {
    test(`is what ${builder} compiles for, since it runs on the user's`, () => {
      assert.match(read(builder), new RegExp(`target: "node${oldest}"`));
    });
  }

  test("is enough for every dependency", () => {
    for (const name of Object.keys(dependencies ?? {})) {
      const { engines } = JSON.parse(read(`node_modules/${name}/package.json`)) as Package;
      const [, needed = "0"] = /^>= ?v?(\d+)/.exec(engines?.node ?? "") ?? [];
      assert.ok(Number(oldest) >= Number(needed), `${name} needs Node.js ${engines?.node}`);
    }
  });
});
