import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PlatformRelease } from "./host-script.ts";

/** The compressed executable for one platform, as `npm run build` made it. */
export interface Artifact extends PlatformRelease {
  /** The compressed executable (gzip) on this machine. */
  readonly uploadPath: string;
  /** Size of the compressed executable. */
  readonly uploadBytes: number;
}

/** The executables of this package. */
export interface Artifacts {
  readonly version: string;
  readonly releases: readonly Artifact[];
}

interface Manifest {
  readonly version: string;
  readonly artifacts: Readonly<
    Record<
      string,
      {
        readonly sha256: string;
        readonly bytes: number;
        readonly upload: { readonly file: string; readonly bytes: number };
      }
    >
  >;
}

/** `uname -sm` of the platforms that the server is built for. */
const platforms: Readonly<Record<string, string>> = {
  "linux-x64": "Linux x86_64",
  "linux-arm64": "Linux aarch64",
};

/**
 * Finds the executables.
 *
 * @param directory folder of `manifest.json`; that of this package when left out
 * @throws Error when nothing has been built
 */
export function findArtifacts(directory: string = artifactDirectory()): Artifacts {
  const { version, artifacts } = readManifest(directory);
  const releases = Object.entries(artifacts).flatMap(([platform, { sha256, bytes, upload }]): Artifact[] => {
    const uname = platforms[platform];
    if (uname === undefined) return [];
    const uploadPath = join(directory, upload.file);
    return [{ uname, sha256, bytes, uploadPath, uploadBytes: upload.bytes }];
  });
  return { version, releases };
}

function readManifest(directory: string): Manifest {
  const path = join(directory, "manifest.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch (error) {
    throw new Error(`the server has not been built (${path} cannot be read): run "npm run build"`, {
      cause: error,
    });
  }
}

/** `dist/` of the package that this file belongs to, whether it runs from its sources or compiled. */
function artifactDirectory(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json")) || !existsSync(join(directory, "PulumiPlugin.yaml"))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`no package found above ${import.meta.dirname}`);
    directory = parent;
  }
  return join(directory, "dist");
}
