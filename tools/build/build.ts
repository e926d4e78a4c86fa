import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { koffiAsset } from "../../server/native/koffi-file.ts";
import { threadAsset, threadNames } from "../../server/native/windows/thread.ts";
import { bundleServer, type Bundle } from "./bundle.ts";
import { executableRecipe, makeExecutable } from "./executable.ts";
import { digestFile, hashTexts, type Digest } from "./hash.ts";
import { buildLibrary, libraryKey } from "./library.ts";
import {
  executableName,
  partsIdentity,
  platforms as allPlatforms,
  provideKoffi,
  provideRuntime,
  provideRuntimeLicense,
  runtimeVersion,
  type Platform,
} from "./platforms.ts";
import { step, type Log } from "./step.ts";
import { thirdPartyNotices } from "./third-party.ts";
import { compressUpload } from "./upload.ts";

/** A file of `dist/`. */
interface BuiltFile extends Digest {
  /** Its name in `dist/`. */
  readonly file: string;
}

/** One platform's executable, and the same compressed for the way to a host. */
export interface BuiltArtifact extends BuiltFile {
  readonly upload: BuiltFile;
}

/** `dist/manifest.json`, by which the components find what they deploy. */
export interface Manifest {
  readonly version: string;
  readonly artifacts: Readonly<Partial<Record<Platform, BuiltArtifact>>>;
}

export interface BuildOptions {
  /** Root of the project. `dist/` is made in it. */
  readonly root: string;
  readonly cacheDirectory: string;
  /** Platforms to build for. What was built before for others stays, as long as it is of the same sources. */
  readonly platforms: readonly Platform[];
  /** Whether the components are compiled too, as the npm package needs them. */
  readonly library: boolean;
  readonly log: Log;
}

/** What the files in `dist/` were made of, to see when there is nothing to do. */
interface Keys {
  readonly executables: Readonly<Partial<Record<Platform, string>>>;
  readonly library: string;
}

const manifestName = "manifest.json";
const keysName = ".keys.json";
const noticesName = "THIRD-PARTY-LICENSES.txt";
const workPrefix = ".work-";
/** Of its code the executable holds the library alone; the license is in the package of the types. */
const koffiFolder = "node_modules/koffi";
const sweepAgeMs = 60 * 60_000;

/** Builds what is not up to date, and resolves to the manifest of all that is there then. */
export async function buildAll(options: BuildOptions): Promise<Manifest> {
  const dist = join(options.root, "dist");
  await mkdir(dist, { recursive: true });
  await sweep(dist);
  const work = await mkdtemp(join(dist, workPrefix));
  try {
    const keys = await readJson<Keys>(join(dist, keysName));
    const { manifest, executables } = await buildExecutables(options, dist, work, keys?.executables ?? {});
    const library = keys?.library ?? "";
    await writeJson(join(dist, keysName), { executables, library } satisfies Keys, work);
    if (options.library) {
      const key = await libraryKey(options.root);
      if (key !== library || !existsSync(join(dist, "lib", "schema.json"))) {
        await buildLibrary(options.root, work, join(dist, "lib"), options.log);
        await writeJson(join(dist, keysName), { executables, library: key } satisfies Keys, work);
      }
    }
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function buildExecutables(
  options: BuildOptions,
  dist: string,
  work: string,
  keysBefore: Keys["executables"],
): Promise<{ manifest: Manifest; executables: Keys["executables"] }> {
  const { root, log } = options;
  const bundle = await step("bundle the server", log, () => bundleServer(root));
  const threads = await bundleThreads(root);
  const threadsOf = (platform: Platform) => (platform.startsWith("windows") ? threads : {});
  const recipe = await readRecipe(root);
  const keyOf = (platform: Platform) => {
    const codes = Object.values(threadsOf(platform));
    return hashTexts([bundle.code, ...codes, partsIdentity(platform), ...recipe]);
  };
  const before = await readJson<Manifest>(join(dist, manifestName));

  const artifacts: Partial<Record<Platform, BuiltArtifact>> = {};
  const missing: Platform[] = [];
  for (const platform of allPlatforms) {
    const artifact = before?.artifacts[platform];
    const current = keysBefore[platform] === keyOf(platform) && artifact && (await isIntact(artifact, dist));
    if (current) artifacts[platform] = artifact;
    else if (options.platforms.includes(platform)) missing.push(platform);
  }
  const complete = () => {
    // In one order, whichever was built first: the manifest is compared as a file.
    const present = allPlatforms.filter((name) => artifacts[name] !== undefined);
    const inOrder = Object.fromEntries(present.map((name) => [name, artifacts[name]]));
    return {
      manifest: { version: bundle.version, artifacts: inOrder } satisfies Manifest,
      executables: Object.fromEntries(present.map((name) => [name, keyOf(name)])),
    };
  };
  if (missing.length === 0 && before?.version === bundle.version) return complete();

  const built = await Promise.all(
    missing.map((platform) => buildExecutable(platform, bundle, threadsOf(platform), work, options)),
  );
  await step("collect the licenses", log, async () => {
    const node = { version: runtimeVersion, license: await provideRuntimeLicense(options) };
    await writeText(
      join(dist, noticesName),
      await thirdPartyNotices(root, [...bundle.packages, koffiFolder], node),
      work,
    );
  });
  // Whoever looks in between finds no manifest rather than one that tells of other files.
  await rm(join(dist, manifestName), { force: true });
  for (const [index, platform] of missing.entries()) {
    const artifact = built[index];
    if (artifact === undefined) continue;
    for (const { file } of [artifact, artifact.upload]) await rename(join(work, file), join(dist, file));
    artifacts[platform] = artifact;
  }
  const result = complete();
  await writeJson(join(dist, manifestName), result.manifest, work);
  return result;
}

/** Programs that run in threads of the server on Windows, by their names among the assets. */
async function bundleThreads(root: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const bundles = threadNames.map(async (name) => {
    const { code } = await bundleServer(root, `server/native/windows/${name}-thread.ts`);
    return [threadAsset(name), code] as const;
  });
  return Object.fromEntries(await Promise.all(bundles));
}

async function buildExecutable(
  platform: Platform,
  bundle: Bundle,
  threads: Readonly<Record<string, Uint8Array>>,
  work: string,
  options: BuildOptions,
): Promise<BuiltArtifact> {
  const { log } = options;
  const file = executableName(platform);
  const executable = join(work, file);
  const runtime = await provideRuntime(platform, options);
  const assets: Record<string, string> = { [koffiAsset]: await provideKoffi(platform, options) };
  for (const [name, code] of Object.entries(threads)) {
    const path = join(work, `${platform}-${name}`);
    await writeFile(path, code);
    assets[name] = path;
  }
  await step(`make ${file}`, log, () =>
    makeExecutable({ program: bundle.code, assets, version: bundle.version }, runtime, work, executable),
  );
  const upload = `${file}.gz`;
  await step(`compress ${upload}`, log, () => compressUpload(executable, join(work, upload)));
  return {
    file,
    ...(await digestFile(executable)),
    upload: { file: upload, ...(await digestFile(join(work, upload))) },
  };
}

/** What decides about the executables' bytes besides the program and the runtime. */
async function readRecipe(root: string): Promise<(string | Uint8Array)[]> {
  const names = ["executable.ts", "upload.ts", "windows/icon.ts", "windows/program-file.ts"];
  const files = names.map((name) => readFile(join(root, "tools", "build", name)));
  return [executableRecipe, ...(await Promise.all(files))];
}

async function isIntact(artifact: BuiltArtifact, dist: string): Promise<boolean> {
  for (const { file, bytes } of [artifact, artifact.upload]) {
    const found = await stat(join(dist, file)).catch(() => undefined);
    if (found?.size !== bytes) return false;
  }
  return true;
}

/** Removes what a build that was killed has left. */
async function sweep(dist: string): Promise<void> {
  for (const name of await readdir(dist)) {
    if (!name.startsWith(workPrefix)) continue;
    const path = join(dist, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > sweepAgeMs) await rm(path, { recursive: true, force: true });
  }
}

/** `undefined` when there is no such file, or a build was cut off while it was written. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeJson(path: string, value: unknown, work: string): Promise<void> {
  return writeText(path, `${JSON.stringify(value, null, 2)}\n`, work);
}

async function writeText(path: string, text: string, work: string): Promise<void> {
  const temporary = join(work, "text");
  const handle = await open(temporary, "w", 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
