/** Packages that only some components need, with the version that they are for. */
const optionalPackages: Readonly<Record<string, string>> = { "@pulumi/aws": "7" };

/**
 * Why a component could not be loaded: in words where a package is missing that not everybody installs.
 *
 * @param folder of the plugin or program that it is for
 */
export function explainMissingPackage(error: unknown, component: string, folder: string): unknown {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") return error;
  const missing = Object.entries(optionalPackages).find(([name]) => message.includes(`'${name}`));
  if (missing === undefined) return error;
  const [name, version] = missing;
  return new Error(
    `${component} needs the npm package ${name}, which is not installed: run "npm install --no-save ${name}@${version}" in ${folder}`,
    { cause: error },
  );
}
