import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { hostKey } from "../unit/components/host-key-text.ts";
import { pemIdentity } from "../unit/components/pem-identity.ts";

/** The project's root. */
const root = mkdtempSync(join(tmpdir(), "fleet-config-"));
after(() => rmSync(root, { recursive: true }));

const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../..", path));

/** The program as the engine starts it: with the configuration in the environment. It tells how many users have an account. */
function run(config: Readonly<Record<string, unknown>>) {
  const values = Object.entries(config).map(([key, value]) => [
    `fleet:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return spawnSync(
    process.execPath,
    [
      "--input-type=module-typescript",
      "--eval",
      `import { resolveHubs } from ${source("components/arguments/desired-hubs.ts")};
       import { fleetFromConfig } from ${source("program/fleet-config.ts")};
       const { accounts } = resolveHubs(await fleetFromConfig().hubs.promise());
       console.log(accounts.length);`,
    ],
    {
      cwd: tmpdir(),
      encoding: "utf8",
      env: {
        ...process.env,
        PULUMI_NODEJS_PROJECT: "fleet",
        PULUMI_NODEJS_ROOT_DIRECTORY: root,
        PULUMI_CONFIG: JSON.stringify(Object.fromEntries(values)),
      },
    },
  );
}

describe("hubs from files", () => {
  test("hold more users with certificates than the engine can hand over in the configuration", async () => {
    const host = { name: "office", host: "203.0.113.5", hostKey, password: "secret" };
    const { certificate } = await pemIdentity("CN=user");
    const users = Array.from({ length: 160 }, (_, index) => ({ name: `user${index}`, certificate }));
    const hubs = [{ name: "DEFAULT", users }];
    assert.ok(JSON.stringify(hubs).length > 128 * 1024);
    assert.equal((run({ hosts: [host], hubs }).error as NodeJS.ErrnoException).code, "E2BIG");
    writeFileSync(join(root, "many.json"), JSON.stringify(hubs));
    const { stdout, stderr } = run({ hosts: [host], hubsFile: "many.json" });
    assert.equal(stdout, "160\n", stderr);
  });
});
