import { splitWords } from "./shell-words.ts";

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManagerName = (typeof packageManagers)[number];

/** `runtime.options` of Pulumi.yaml, with the defaults filled in. */
export interface RuntimeOptions {
  /** Whether TypeScript is run through ts-node, unless the program is an ES module. */
  readonly typescript: boolean;
  /** Path of the tsconfig.json to use; without it the one in the program's folder. */
  readonly tsconfig?: string;
  /** Arguments for Node.js, before those of the program. */
  readonly nodeArguments: readonly string[];
  readonly packageManager: PackageManagerName | "auto";
  /** Whether packages for development are left out when dependencies are installed. */
  readonly production: boolean;
}

/**
 * Reads `runtime.options` of Pulumi.yaml. Options that are not known here are left to others.
 *
 * @throws Error that names the option and what it must be
 */
export function readRuntimeOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  const read = <T>(name: string, type: "string" | "boolean", fallback: T): T => {
    const value = options[name];
    if (value === undefined) return fallback;
    if (typeof value !== type) throw new Error(`${name} option must be a ${type}`);
    return value as T;
  };
  const packageManager = read("packagemanager", "string", "auto");
  if (packageManager !== "auto" && !isPackageManager(packageManager)) {
    throw new Error(
      `packagemanager option must be one of auto, npm, yarn, pnpm or bun, got ${JSON.stringify(packageManager)}`,
    );
  }
  const tsconfig = read<string | undefined>("tsconfig", "string", undefined);
  return {
    typescript: read("typescript", "boolean", true),
    ...(tsconfig && { tsconfig }),
    nodeArguments: splitWords(read("nodeargs", "string", "")),
    packageManager,
    production: read("production", "boolean", false),
  };
}

function isPackageManager(name: string): name is PackageManagerName {
  return (packageManagers as readonly string[]).includes(name);
}
