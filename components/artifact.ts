import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The compressed executable for one platform, as `npm run build` made it. */
export interface Artifact {
  /** Such as `linux-x64`. */
  readonly platform: string;
  readonly version: string;
  /** SHA-256 of the executable, 64 hexadecimal digits: the name of the release on the host. */
  readonly sha256: string;
  /** The compressed executable (gzip) on this machine. */
  readonly uploadPath: string;
}

interface Manifest {
  readonly version: string;
  readonly artifacts: Readonly<
    Record<string, { readonly sha256: string; readonly upload: { readonly file: string } }>
  >;
}

/** `uname -sm` of the platforms that the server is built for. */
const platforms: Readonly<Record<string, string>> = {
  "Linux x86_64": "linux-x64",
  "Linux aarch64": "linux-arm64",
};

/**
 * Finds the executable for a host.
 *
 * @param uname what `uname -sm` printed there
 * @param directory folder of `manifest.json`; that of this package when left out
 * @throws Error when there is none for that platform, or nothing has been built
 */
export function findArtifact(uname: string, directory: string = artifactDirectory()): Artifact {
  const platform = platforms[uname.trim()];
  if (platform === undefined) {
    throw new Error(
      `the host is "${uname.trim()}", and the server is built for ${Object.keys(platforms).join(" and ")} only`,
    );
  }
  const manifest = readManifest(directory);
  const artifact = manifest.artifacts[platform];
  if (artifact === undefined) {
    throw new Error(
      `${join(directory, "manifest.json")} has no executable for ${platform}: run "npm run build"`,
    );
  }
  return {
    platform,
    version: manifest.version,
    sha256: artifact.sha256,
    uploadPath: join(directory, artifact.upload.file),
  };
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
