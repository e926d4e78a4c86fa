import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GoCommand } from "./go-build.ts";
import { engineVersion } from "./versions.ts";

const sources = "engine/python-language-host";
const executor = "pulumi-language-python-exec";

/**
 * The stand-in for Pulumi's language host of Python, whose Go module is served by no proxy: a short program of this repository around
 * Pulumi's own code, of modules that are. Its version carries a hash of the sources, so that a change is built anew.
 */
export const pythonStandIn: {
  readonly build: GoCommand;
  readonly builtVersion: string;
  readonly companion: string;
} = describe();

function describe() {
  const hash = createHash("sha256");
  const folder = join(import.meta.dirname, sources);
  for (const name of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, name)));
  const builtVersion = `${engineVersion}+stand-in.${hash.digest("hex").slice(0, 16)}`;
  return {
    builtVersion,
    companion: executor,
    build: {
      module: "engine",
      package: "./python-language-host",
      variables: { "main.version": builtVersion },
      companion: { module: "github.com/pulumi/pulumi/sdk/v3", path: `python/cmd/${executor}` },
    },
  };
}
