import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { brokenLinks } from "../unit/docs/markdown-links.ts";
import { Consumer, oldestNode, packPackage, root, type PackedFile } from "./consumer.ts";
import { schemaOf } from "./plugin-process.ts";
import { moduleProject, templateProject } from "./programs.ts";

const installed = ["node_modules", "pulumi-vpnserver"];

describe("the packed npm package", () => {
  let scratch: string;
  let packed: PackedFile;
  let module: Consumer;
  let template: Consumer;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-pack-test-"));
    packed = await packPackage(scratch);
    module = await Consumer.create(await moduleProject());
    await module.install(packed);
    template = await Consumer.create(await templateProject());
    await template.install(packed);
  });
  after(async () => {
    await module?.[Symbol.asyncDispose]();
    await template?.[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });

  test("holds what users need and nothing else", () => {
    const paths = packed.files.map(({ path }) => path);
    const declarations = paths.filter((path) => /^dist\/lib\/(components|server)\/.+\.d\.ts$/.test(path));
    assert.ok(declarations.includes("dist/lib/components/index.d.ts"));
    assert.ok(declarations.includes("dist/lib/components/aws/index.d.ts"));
    const pages = globSync("docs/**/*", { cwd: root, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)));
    const examples = globSync(
      "examples/{README.md,*/{Containerfile,Pulumi.yaml,*.ts,*.py,requirements.txt,package.json,tsconfig.json}}",
      {
        cwd: root,
      },
    );
    assert.deepEqual(
      paths.filter((path) => !declarations.includes(path)).sort(),
      [
        "CONTRIBUTING.md",
        "LICENSE",
        "PulumiPlugin.yaml",
        "README.md",
        "SECURITY.md",
        "dist/THIRD-PARTY-LICENSES.txt",
        "dist/lib/components/aws.js",
        "dist/lib/components/index.js",
        "dist/lib/components/plugin.js",
        "dist/lib/package.json",
        "dist/lib/policy/index.js",
        "dist/lib/schema.json",
        "dist/manifest.json",
        "dist/vpnserver-linux-arm64.gz",
        "dist/vpnserver-linux-x64.gz",
        "package.json",
        "policy/PulumiPolicy.yaml",
        "policy/package.json",
        "pulumi-plugin.cjs",
        "pulumi-resource-vpnserver",
        ...pages,
        ...examples,
      ].sort(),
    );
  });

  test("has pages whose links lead to files and headings that are in it too", () => {
    const pages = packed.files.map(({ path }) => path).filter((path) => path.endsWith(".md"));
    assert.ok(pages.includes("README.md"));
    const folder = join(module.folder, ...installed);
    assert.deepEqual(
      pages.flatMap((page) => brokenLinks(folder, page)),
      [],
    );
  });

  test("carries the executables that its manifest names, for every platform that components deploy to", async () => {
    const text = await readFile(join(module.folder, ...installed, "dist", "manifest.json"), "utf8");
    const manifest = JSON.parse(text) as { artifacts: Record<string, { upload: { file: string } }> };
    assert.deepEqual(Object.keys(manifest.artifacts), ["linux-x64", "linux-arm64", "windows-x64"]);
    for (const [platform, { upload }] of Object.entries(manifest.artifacts)) {
      const isPacked = packed.files.some(({ path }) => path === `dist/${upload.file}`);
      assert.equal(isPacked, platform.startsWith("linux-"), upload.file);
    }
  });

  test("brings three dependencies, and shares the SDK with the project", async () => {
    const text = await readFile(join(module.folder, ...installed, "package.json"), "utf8");
    const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
    assert.deepEqual(Object.keys(dependencies).sort(), ["@pulumi/command", "@pulumi/pulumi", "ssh2"]);
    const listing = await module.check("npm", ["ls", "@pulumi/pulumi", "--all", "--parseable"]);
    assert.deepEqual(listing.trim().split("\n"), [join(module.folder, "node_modules", "@pulumi", "pulumi")]);
  });

  for (const [name, options] of [
    ["as the ES-module project has them", []],
    ["for a bundler", ["--module", "esnext", "--moduleResolution", "bundler"]],
  ] as const) {
    test(`its declarations compile in an ES-module project, libraries included: settings ${name}`, async () => {
      await module.check("node_modules/.bin/tsc", [
        "-p",
        ".",
        "--noEmit",
        "--skipLibCheck",
        "false",
        ...options,
      ]);
    });
  }

  for (const [name, options] of [
    ["of a classic template", []],
    ["of today's template", ["--module", "nodenext", "--moduleResolution", "nodenext"]],
  ] as const) {
    test(`its declarations compile in a CommonJS project, libraries included: settings ${name}`, async () => {
      await template.check("node_modules/.bin/tsc", [
        "-p",
        ".",
        "--noEmit",
        "--skipLibCheck",
        "false",
        ...options,
      ]);
    });
  }

  test("its declarations refuse an argument that does not exist and a value that is not allowed", async () => {
    await template.write({
      "wrong.ts": `import { VpnServer } from "pulumi-vpnserver";
new VpnServer("a", { connection: { host: "h" }, mode: "sometimes" });
new VpnServer("b", { connection: { host: "h" }, colour: "red" });
`,
    });
    const { code, stdout } = await template.run("node_modules/.bin/tsc", [
      "--noEmit",
      "--strict",
      "wrong.ts",
    ]);
    assert.notEqual(code, 0);
    assert.match(stdout, /wrong\.ts.2,[^\n]*"sometimes"/);
    assert.match(stdout, /wrong\.ts.3,[^\n]*'colour'/);
  });

  test("loads nothing of AWS for those who do not ask for it, and tells those who do what is missing", async () => {
    await template.write({
      "lean.cjs": `require("pulumi-vpnserver");
const loaded = Object.keys(require.cache).filter((path) => path.includes("@pulumi/aws"));
let missing = "";
try {
  require("pulumi-vpnserver/aws");
} catch (error) {
  missing = error.message.split("\\n")[0];
}
console.log(JSON.stringify({ loaded, missing }));`,
    });
    const { loaded, missing } = JSON.parse(await template.check("node", ["lean.cjs"])) as {
      loaded: string[];
      missing: string;
    };
    assert.deepEqual(loaded, []);
    assert.match(missing, /^Cannot find module '@pulumi\/aws\//);
  });

  test("is tried in a CommonJS project on the oldest Node.js that it says it is for", async () => {
    assert.equal((await template.check("node", ["--version"])).trim(), `v${await oldestNode()}`);
  });

  test("is imported and required with the same names", async () => {
    const names = ["DeploymentMode", "VpnFleet", "VpnServer"];
    await module.write({
      "names.mjs": `import * as library from "pulumi-vpnserver";
import { ${names.join(", ")} } from "pulumi-vpnserver";
console.log(JSON.stringify(Object.keys(library).filter((name) => /^[A-Z]/.test(name))), typeof VpnServer);`,
    });
    assert.equal((await module.check("node", ["names.mjs"])).trim(), `${JSON.stringify(names)} function`);
    await template.write({
      "names.cjs": `console.log(JSON.stringify(Object.keys(require("pulumi-vpnserver")).sort()));`,
    });
    assert.equal((await template.check("node", ["names.cjs"])).trim(), JSON.stringify(names));
  });

  describe("as a plugin", () => {
    for (const [name, command] of [
      ["the executable", ["node_modules/.bin/pulumi-resource-vpnserver"]],
      // What Pulumi's language host does with a folder that has a PulumiPlugin.yaml.
      ["the folder", ["node", "node_modules/@pulumi/pulumi/cmd/run-plugin", installed.join("/")]],
    ] as const) {
      test(`${name} starts a provider that gives the schema`, async () => {
        const schema = await schemaOf(template.folder, command);
        assert.equal(schema.name, "vpnserver");
        assert.deepEqual(Object.keys(schema.resources).sort(), [
          "vpnserver:index:AwsVpnFleet",
          "vpnserver:index:AwsVpnServer",
          "vpnserver:index:VpnFleet",
          "vpnserver:index:VpnServer",
        ]);
        const server = schema.resources["vpnserver:index:VpnServer"];
        assert.equal(server?.isComponent, true);
        assert.deepEqual(server?.requiredInputs, ["connection"]);
        const connection = schema.types["vpnserver:index:SshConnectionArgs"]?.properties;
        assert.equal(connection?.["privateKey"]?.secret, true);
        assert.equal(connection?.["host"]?.secret, undefined);
        assert.deepEqual(
          schema.types["vpnserver:index:DeploymentMode"]?.enum?.map(({ value }) => value),
          ["auto", "service", "user"],
        );
      });
    }
  });

  test("a plugin in a folder that was not built says what to do", async () => {
    await using unbuilt = await Consumer.create({
      "package.json": { name: "unbuilt", type: "module" },
      "pulumi-plugin.cjs": await readFile(join(root, "pulumi-plugin.cjs"), "utf8"),
      "pulumi-resource-vpnserver.mjs": await readFile(join(root, "pulumi-resource-vpnserver"), "utf8"),
    });
    const { code, stderr } = await unbuilt.run("node", ["pulumi-resource-vpnserver.mjs", "127.0.0.1:1"]);
    assert.equal(code, 1);
    assert.match(stderr, /^pulumi-resource-vpnserver: .+ has not been built: run "npm run build" there$/m);
  });
});
