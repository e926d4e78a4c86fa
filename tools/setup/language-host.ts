import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";

/** How the engine calls it. */
const launcherName = "pulumi-language-nodejs";
/** Bundles of other sources stay that long: a host may just be starting from one. */
const keepBundlesMs = 24 * 60 * 60_000;

/** What is put in place of the official language host: a launcher, and the program in one file beside it. */
export interface LanguageHostStandIn {
  /** Of the sources: another one is another program. */
  readonly fingerprint: string;
  /** Makes the program from the sources. */
  readonly bundle: () => Promise<Uint8Array>;
}

const root = join(import.meta.dirname, "..", "..");
const entry = "tools/language-host/main.ts";
const sourceFolders = ["tools/language-host", "tools/plugin"];
const otherSources = ["tools/setup/language-host.ts", "tools/setup/versions.ts"];
/** Packages that go into the bundle. */
const packages = ["@grpc/grpc-js", "@pulumi/pulumi", "esbuild", "google-protobuf"];

/** The stand-in as this checkout has it. */
export async function describeStandIn(): Promise<LanguageHostStandIn> {
  const files = [...otherSources, ...packages.map((name) => `node_modules/${name}/package.json`)];
  for (const folder of sourceFolders) {
    for (const name of await readdir(join(root, folder))) files.push(`${folder}/${name}`);
  }
  const hash = createHash("sha256");
  for (const file of files.sort()) {
    const content = await readFile(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return { fingerprint: hash.digest("hex").slice(0, 16), bundle: bundleSources };
}

async function bundleSources(): Promise<Uint8Array> {
  // Loaded only when something has changed: it takes longer than all the rest of set-up.
  const { build } = await import("esbuild");
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node22",
    // A third less to load on each start; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    preserveSymlinks: true,
    logLevel: "silent",
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return output.contents;
}

/** Whether the stand-in in a folder is the one of these sources. */
export async function isStandInCurrent(directory: string, standIn: LanguageHostStandIn): Promise<boolean> {
  const launcher = await readFile(join(directory, launcherName), "utf8").catch(() => "");
  return launcher === launcherText(standIn) && existsSync(join(directory, bundleName(standIn)));
}

/**
 * Puts the stand-in into a folder, in place of one of other sources. It needs nothing of this checkout, which may go
 * away before the folder does.
 *
 * @returns the size of the launcher
 */
export async function installStandIn(directory: string, standIn: LanguageHostStandIn): Promise<number> {
  const kept = bundleName(standIn);
  await writeFileAtomically(join(directory, kept), await standIn.bundle(), { mode: 0o644 });
  const launcher = join(directory, launcherName);
  await writeFileAtomically(launcher, launcherText(standIn), { mode: 0o755 });
  for (const name of (await readdir(directory)).filter((name) => bundlePattern.test(name))) {
    const path = join(directory, name);
    if (name !== kept && Date.now() - (await stat(path)).mtimeMs > keepBundlesMs) await rm(path);
  }
  return (await stat(launcher)).size;
}

const bundlePattern = /^language-host-[0-9a-f]{16}\.cjs$/;

function bundleName(standIn: LanguageHostStandIn): string {
  return `language-host-${standIn.fingerprint}.cjs`;
}

function launcherText(standIn: LanguageHostStandIn): string {
  return `#!/bin/sh
# The stand-in of pulumi-vpnserver for Pulumi's Node.js language host.
# Node's options are for the programs, and must not reach the host, which runs in Node.js too.
if [ -n "\${NODE_OPTIONS-}" ]; then export PROGRAM_NODE_OPTIONS="$NODE_OPTIONS"; fi
unset NODE_OPTIONS
exec node "\${0%/*}/${bundleName(standIn)}" "$@"
`;
}
