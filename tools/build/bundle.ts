import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** A bundled program, and what went into it. */
export interface Bundle {
  readonly code: Uint8Array;
  /** The product's version, as it is built in. */
  readonly version: string;
  /** Folders of the npm packages that the code holds, relative to the project's root, sorted. */
  readonly packages: readonly string[];
}

/**
 * Bundles the server into one CommonJS file, the only kind that a single executable takes. The bytes depend on the
 * sources alone, not on the folder that they are in. Line breaks and names are kept for the sake of stack traces.
 *
 * @param entry path of the program relative to the root
 * @throws Error with esbuild's messages
 */
export async function bundleServer(root: string, entry = "server/main.ts"): Promise<Bundle> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    minifySyntax: true,
    legalComments: "inline",
    preserveSymlinks: true,
    logLevel: "silent",
    banner: { js: `const importMetaUrl = require("node:url").pathToFileURL(__filename).href;` },
    define: {
      VPNSERVER_VERSION: JSON.stringify(version),
      // Inside the executable these are the executable's own path.
      "import.meta.url": "importMetaUrl",
      "import.meta.filename": "__filename",
      "import.meta.dirname": "__dirname",
    },
    // A single executable can require built-in modules, but not import them.
    supported: { "dynamic-import": false },
    // A warning here is a fault that would show on a host only, such as an empty import.meta.
    logOverride: { "empty-import-meta": "error", "unsupported-dynamic-import": "silent" },
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return {
    code: output.contents,
    version,
    packages: packagesIn(Object.keys(result.metafile.inputs)),
  };
}

/** The package folders among the paths of source files. */
export function packagesIn(paths: readonly string[]): string[] {
  const folders = paths.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].sort();
}
