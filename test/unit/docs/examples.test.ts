import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Package {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const packageOf = (folder: string) => JSON.parse(read(join(folder, "package.json"))) as Package;

const own = packageOf(".");
const tests = globSync("test/e2e/*.test.ts", { cwd: root }).map(read).join("\n");
const examples = globSync("examples/*/Pulumi.yaml", { cwd: root }).map((path) => basename(dirname(path)));

describe("the examples", () => {
  test("are there", () => assert.ok(examples.length > 0));

  for (const name of examples) {
    test(`have ${name} among them, which a test runs as it stands`, () => {
      assert.ok(tests.includes(`exampleStack("${name}"`), "no test of test/e2e runs it");
      assert.match(read("examples/README.md"), new RegExp(`\\]\\(${name}/`));
      assert.match(read(`examples/${name}/Pulumi.yaml`), new RegExp(`^name: ${name}$`, "m"));
    });

    test(`have ${name} among them, which installs the package of this version, and what that one needs`, () => {
      const { dependencies } = packageOf(join("examples", name));
      const { "pulumi-vpnserver": tarball, ...others } = dependencies;
      assert.equal(tarball, `file:../pulumi-vpnserver-${own.version}.tgz`);
      for (const [dependency, range] of Object.entries(others)) {
        assert.equal(range, own.dependencies[dependency] ?? own.peerDependencies[dependency], dependency);
      }
    });
  }
});
