import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "./build.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { platforms, type Platform } from "./platforms.ts";

const usage = `usage: npm run build [-- --platform ${platforms.join("|")}]...

Makes the executables, their compressed uploads, the compiled components and manifest.json in dist/.
With --platform only that platform's executable is made, and the components are left as they are.`;

async function main(): Promise<void> {
  const begin = performance.now();
  const { values } = parseArgs({
    options: { platform: { type: "string", multiple: true }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const manifest = await buildAll({
    root: join(import.meta.dirname, "..", ".."),
    cacheDirectory: defaultCacheDirectory(),
    platforms: values.platform?.map(checkPlatform) ?? platforms,
    library: values.platform === undefined,
    log: (line) => console.log(`build: ${line}`),
  });
  for (const { file, sha256, upload } of Object.values(manifest.artifacts)) {
    console.log(`build: dist/${file}  sha256 ${sha256}  upload ${(upload.bytes / 1e6).toFixed(1)} MB`);
  }
  console.log(`build: up to date after ${((performance.now() - begin) / 1000).toFixed(2)} s`);
}

function checkPlatform(name: string): Platform {
  const platform = platforms.find((known) => known === name);
  if (platform === undefined)
    throw new Error(`there is no platform ${name}; there are ${platforms.join(", ")}`);
  return platform;
}

main().catch((error: unknown) => {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
