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

const sourceOf = (path: string) => JSON.stringify(join(import.meta.dirname, "../..", path));

/** The program as the engine starts it: with the configuration in the environment. It tells how many users have an account. */
function run(config: Readonly<Record<string, unknown>>) {
  return runSource(
    `import { resolveHubs } from ${sourceOf("components/arguments/desired-hubs.ts")};
     import { fleetFromConfig } from ${sourceOf("program/fleet-config.ts")};
     const { accounts } = resolveHubs(await fleetFromConfig().hosts.hubs.promise());
     console.log(accounts.length);`,
    config,
  );
}

function runSource(source: string, config: Readonly<Record<string, unknown>>) {
  const values = Object.entries(config).map(([key, value]) => [
    `fleet:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return spawnSync(process.execPath, ["--input-type=module-typescript", "--eval", source], {
    cwd: tmpdir(),
    encoding: "utf8",
    env: {
      ...process.env,
      PULUMI_NODEJS_PROJECT: "fleet",
      PULUMI_NODEJS_ROOT_DIRECTORY: root,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(values)),
    },
  });
}

describe("servers on AWS", () => {
  /** Runs the program on a machine without `@pulumi/aws`, and gives what it failed with. */
  const failureOf = (config: Readonly<Record<string, unknown>>) => {
    const source = `
      import { registerHooks } from "node:module";
      registerHooks({
        resolve: (specifier, context, next) => {
          if (!specifier.startsWith("@pulumi/aws")) return next(specifier, context);
          throw Object.assign(new Error("Cannot find package '@pulumi/aws'"), { code: "ERR_MODULE_NOT_FOUND" });
        },
      });
      const { deployFleet } = await import(${sourceOf("program/deploy.ts")});
      const { fleetFromConfig } = await import(${sourceOf("program/fleet-config.ts")});
      const settings = fleetFromConfig();
      await deployFleet({ ...settings, hosts: undefined }).then(() => console.log("none"), ({ message }) => console.log(message));`;
    const { stdout, stderr } = runSource(source, config);
    return stdout || stderr;
  };
  const host = { name: "office", host: "203.0.113.5", hostKey, password: "secret" };

  test("need a package that the program does not look for without them, and say how to install it", () => {
    assert.equal(failureOf({ hosts: [host] }), "none\n");
    assert.equal(
      failureOf({ aws: { edge: { sshFrom: ["203.0.113.7/32"] } } }),
      `vpnserver:aws needs the npm package @pulumi/aws, which is not installed: run "npm install --no-save @pulumi/aws@7" in ${root}\n`,
    );
  });
});

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
