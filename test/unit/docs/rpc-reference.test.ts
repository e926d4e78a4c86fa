import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { rpcs } from "../../../server/admin/definitions.ts";
import { rpcPage } from "../../../tools/reference/rpc-page.ts";
import { supportedMethods } from "../../../tools/reference/supported-methods.ts";

const page = readFileSync(new URL("../../../docs/reference/rpc.md", import.meta.url), "utf8");

describe("docs/reference/rpc.md", () => {
  test("is what the definitions say", () => {
    assert.ok(page === rpcPage(supportedMethods()), "is stale: run `npm run reference`");
  });

  test("has a row for every method", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), Object.keys(rpcs).sort());
  });
});
