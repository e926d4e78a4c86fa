import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { defaultPolicy, type PolicyName } from "../../../server/settings/policy.ts";
import { passwordLimits } from "../../../server/limits.ts";

const root = join(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "SECURITY.md"), "utf8");
const protections = /^## What is protected$.*?(?=^## )/ms.exec(page)?.[0] ?? "";

describe("SECURITY.md", () => {
  test("names a test that is there for each protection", () => {
    const rows = [...protections.matchAll(/^\| (?!protection|---).+ \| (.+) \|$/gm)].map(
      ([, cell = ""]) => cell,
    );
    assert.ok(rows.length > 20);
    const files = globSync("test/**/*.test.ts", { cwd: root });
    for (const cell of rows) {
      const name = /^`(\S+\.test\.ts)`$/.exec(cell)?.[1];
      assert.equal(files.filter((file) => `/${file}`.endsWith(`/${name}`)).length, 1, cell);
    }
  });

  test("tells how wrong passwords are slowed down", () => {
    const { freeFailures, longestDelayMs } = passwordLimits;
    assert.equal(freeFailures, 3);
    assert.ok(page.includes(`After three wrong passwords`));
    assert.ok(page.includes(`wait up to ${longestDelayMs / 1000} seconds`));
  });

  test("names policies that are off by default", () => {
    const names = /^ *(`CheckMac`.*) and others forbid it/m.exec(page)?.[1] ?? "";
    const policies = [...names.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
    assert.ok(policies.length > 3);
    for (const name of policies) assert.equal(defaultPolicy[name as PolicyName], false, name);
  });
});
