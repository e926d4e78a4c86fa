import Module, { createRequire } from "node:module";

/**
 * Loads Pulumi's SDK, when it is imported before it, without what that loads to turn functions of a program into text, which no
 * component does: half of the time that it takes to load.
 */
const require = createRequire(import.meta.url);
const sdk = createRequire(require.resolve("@pulumi/pulumi"));
const spared = ["@npmcli/arborist", "normalize-package-data", "typescript"]
  .map((name) => sdk.resolve(name))
  .filter((path) => !(path in sdk.cache));
for (const path of spared) {
  const nothing = new Module(path);
  nothing.loaded = true;
  sdk.cache[path] = nothing;
}
require("@pulumi/pulumi");
// Other tests in this process may want the real ones.
for (const path of spared) Reflect.deleteProperty(sdk.cache, path);
