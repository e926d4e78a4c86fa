import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { declarationsOf } from "./declarations.ts";
import { hashTexts } from "./hash.ts";
import { inferSchema } from "./schema.ts";
import { step, type Log } from "./step.ts";

const pluginEntry = "components/plugin.ts";
/** What users import: `.` and `./aws` of the package. */
const entries = ["components/index.ts", "components/aws/index.ts"];
const components = ["VpnServer", "VpnFleet", "AwsVpnServer", "AwsVpnFleet"];

interface PackageInfo {
  readonly version: string;
  readonly description: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** Optional ones, for entries of their own. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** SHA-256 of all that the library is made of. */
export async function libraryKey(root: string): Promise<string> {
  const paths = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    ...(await sourcesBelow(root, "components")),
    ...(await sourcesBelow(root, "policy")),
    ...(await sourcesBelow(root, "server")),
    ...(await sourcesBelow(root, "tools/build")),
  ];
  const texts = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(root, path))] as const),
  );
  return hashTexts(texts.flat());
}

async function sourcesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true });
  return entries
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort();
}

/**
 * Compiles the components for those who install the package, and puts them at `target`, all or nothing: one CommonJS
 * file, which `import` and `require` both take, type declarations, the program that serves them to other languages, the
 * schema for these, and the policy pack.
 *
 * @param workDirectory empty folder on the target's file system that the caller removes
 */
export async function buildLibrary(
  root: string,
  workDirectory: string,
  target: string,
  log: Log,
): Promise<void> {
  const packageInfo = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as PackageInfo;
  const work = join(workDirectory, "library");
  await mkdir(work);
  // The project itself is an ES module; this marks what is below as CommonJS, for Node.js and for compilers.
  await writeFile(join(work, "package.json"), '{ "type": "commonjs" }\n');
  await step("bundle the components", log, () => bundleComponents(root, work, packageInfo));
  await step("declare their types", log, async () => {
    for (const { path, text } of declarationsOf(root, entries)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), text);
    }
  });
  await step("infer the schema for other languages", log, async () => {
    const schema = await inferSchema(root, pluginEntry, components, packageInfo, workDirectory);
    await writeFile(join(work, "schema.json"), schema);
  });
  // A folder that is not empty cannot be replaced in one step; this way the old one is gone for an instant only.
  if (existsSync(target)) await rename(target, join(workDirectory, "library-before"));
  await rename(work, target);
}

async function bundleComponents(root: string, directory: string, packageInfo: PackageInfo): Promise<void> {
  const result = await build({
    absWorkingDir: root,
    // Side by side, since they find what is deployed from where they are.
    entryPoints: [
      { in: "components/index.ts", out: "components/index" },
      { in: "components/aws/index.ts", out: "components/aws" },
      { in: pluginEntry, out: "components/plugin" },
      { in: "policy/index.ts", out: "policy/index" },
    ],
    outdir: directory,
    bundle: true,
    metafile: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node22",
    logLevel: "silent",
    define: {
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
    logOverride: { "empty-import-meta": "error" },
  });
  const optional = (path: string) => /\/(components\/(aws|plugin)|policy\/index)\.js$/.test(path);
  const imports = Object.entries(result.metafile.outputs).flatMap(([output, { imports }]) =>
    imports.map(({ path }) => ({
      path,
      allowed: optional(output)
        ? { ...packageInfo.dependencies, ...packageInfo.peerDependencies }
        : packageInfo.dependencies,
    })),
  );
  for (const { path, allowed } of imports) {
    const [scopeOrName = "", name = ""] = path.split("/");
    const packageName = scopeOrName.startsWith("@") ? `${scopeOrName}/${name}` : scopeOrName;
    if (!path.startsWith("node:") && allowed[packageName] === undefined) {
      throw new Error(`the components import "${path}", which is not among the dependencies of package.json`);
    }
  }
}
