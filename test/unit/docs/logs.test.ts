import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connectionLimits, logLimits } from "../../../server/limits.ts";

const root = join(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "docs/reference/logs.md"), "utf8");

/** Names of events in the sources; of one that is made up of parts its begin. */
const events = globSync("server/**/*.ts", { cwd: root })
  .map((path) => readFileSync(join(root, path), "utf8"))
  .flatMap((source) => [...source.matchAll(/\bevent: ["`]([a-z-]+)/g)].map(([, name = ""]) => name));

describe("docs/reference/logs.md", () => {
  test("tells of every event", () => {
    assert.ok(events.length > 8);
    for (const name of events) assert.ok(page.includes(`\`${name}`), name);
  });

  test("has the bounds that hold", () => {
    const MiB = 1024 * 1024;
    const { fileBytes, kindBytes, kindFiles } = logLimits;
    assert.ok(page.includes(`exceed ${fileBytes / MiB} MiB`));
    assert.ok(
      page.includes(`exceed ${kindBytes / MiB / 1024} GiB or ${kindFiles.toLocaleString("en-US")} files`),
    );
    assert.ok(page.includes(`up to ${connectionLimits.logLines.toLocaleString("en-US")} a minute`));
  });
});
