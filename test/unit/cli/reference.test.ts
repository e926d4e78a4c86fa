import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { errorCodes } from "../../../server/errors.ts";

test("the command-line reference lists every exit code with its name and meaning, and no other", () => {
  const reference = readFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), "utf8");
  const documented = [...reference.matchAll(/^\| (\d+) \| `([A-Z_]+)` \| (.*) \|$/gm)].map(
    ([, exitCode, name, meaning]) => [name, { exitCode: Number(exitCode), meaning }],
  );
  assert.deepEqual(documented, Object.entries(errorCodes));
});
