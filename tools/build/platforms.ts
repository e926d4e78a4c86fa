import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { provideRegistryPackage, type ProvideOptions, type RegistryPackage } from "./registry-package.ts";

/**
 * Version of the runtime inside the executable. Official builds from 25 on need libatomic.so.1, which a minimal Debian or
 * Ubuntu host does not have.
 */
export const runtimeVersion = "24.21.0";

/** Version of koffi, by which the server calls the operating system (`server/native`). */
export const koffiVersion = "3.3.4";

/** What an executable for a platform is made of besides our own code. */
interface PlatformParts {
  /** Name of the executable in `dist/`. */
  readonly executable: string;
  readonly runtime: RegistryPackage;
  /** Path of the runtime in its package. */
  readonly runtimeFile: string;
  readonly koffi: RegistryPackage;
  /** Path of koffi's library in its package. */
  readonly koffiFile: string;
}

/**
 * Raising a version means new pins: `npm view NAME@VERSION dist.integrity` of each package, and `sha256sum` of the file. For koffi
 * raise the version in `package.json` too, whose types are compiled against.
 */
const parts = {
  "linux-x64": linuxParts("x64", {
    runtime: {
      integrity:
        "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
      sha256: "7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c",
    },
    koffi: {
      integrity:
        "sha512-xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974cZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==",
      sha256: "bee3ebc173f47178269e8441fbfd90899c8fe6bc3c948f481c79670f924b1725",
    },
  }),
  "linux-arm64": linuxParts("arm64", {
    runtime: {
      integrity:
        "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
      sha256: "0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584",
    },
    koffi: {
      integrity:
        "sha512-k6FPjEYDioyVihUqvRFX4QZK0RL/Rrn4xPEzrKxODxgLAUXlhBTut391zPzgsMcArXgN4YTuS11M/kxmA5s+Fg==",
      sha256: "7086182b845ae3a0e22113513c9a4e4f2b7838814b079c9a91270887eab1adf1",
    },
  }),
  "windows-x64": windowsParts("x64", {
    runtime: {
      integrity:
        "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
      sha256: "ba4e6d110e8c1592a1ecd390f6b05f3da124b13871a5be62b341a07a853c6c32",
    },
    koffi: {
      integrity:
        "sha512-/SpehfYrO9DtkoB0ZOgGyco4GH4zwhEyFqgCm0x8lbzXnrKiwnHXWmPpfuXhFYohFvoSO5jlLQz/hc1fJ5G0AQ==",
      sha256: "a77b6bb6f60cdd360a41cc4e9f8a0e2a4c5b8e6dd83f43e756af285c59a7c4c2",
    },
  }),
} as const satisfies Record<string, PlatformParts>;

/** A platform that the server is built for. */
export type Platform = keyof typeof parts;

export const platforms = Object.keys(parts) as readonly Platform[];

interface Pin {
  readonly integrity: string;
  readonly sha256: string;
}

interface Pins {
  readonly runtime: Pin;
  readonly koffi: Pin;
}

function linuxParts(processor: string, pins: Pins): PlatformParts {
  return {
    executable: `vpnserver-linux-${processor}`,
    runtime: {
      name: `node-linux-${processor}`,
      version: runtimeVersion,
      integrity: pins.runtime.integrity,
      files: { "bin/node": pins.runtime.sha256, LICENSE: undefined },
    },
    runtimeFile: "bin/node",
    ...koffiParts(`linux-${processor}`, pins.koffi),
  };
}

/** The package for Windows has no license text; those for Linux have that of the same version. */
function windowsParts(processor: string, pins: Pins): PlatformParts {
  return {
    executable: `vpnserver-windows-${processor}.exe`,
    runtime: {
      name: `node-win-${processor}`,
      version: runtimeVersion,
      integrity: pins.runtime.integrity,
      files: { "bin/node.exe": pins.runtime.sha256 },
    },
    runtimeFile: "bin/node.exe",
    ...koffiParts(`win32-${processor}`, pins.koffi),
  };
}

/** @param platform as Node.js names it */
function koffiParts(
  platform: string,
  { integrity, sha256 }: Pin,
): Pick<PlatformParts, "koffi" | "koffiFile"> {
  const koffiFile = `${platform.replace("-", "_")}/koffi.node`;
  const name = `@koromix/koffi-${platform}`;
  return { koffi: { name, version: koffiVersion, integrity, files: { [koffiFile]: sha256 } }, koffiFile };
}

/** Name of a platform's executable in `dist/`. */
export function executableName(platform: Platform): string {
  return parts[platform].executable;
}

/** What decides about the bytes of runtime and library. */
export function partsIdentity(platform: Platform): string {
  const { runtime, koffi } = parts[platform];
  return JSON.stringify([runtime, koffi]);
}

/** Resolves to the path of a platform's Node.js. */
export async function provideRuntime(platform: Platform, options: ProvideOptions): Promise<string> {
  const { runtime, runtimeFile } = parts[platform];
  return join(await provideRegistryPackage(runtime, options), runtimeFile);
}

/** Resolves to the path of koffi's library of a platform. */
export async function provideKoffi(platform: Platform, options: ProvideOptions): Promise<string> {
  const { koffi, koffiFile } = parts[platform];
  return join(await provideRegistryPackage(koffi, options), koffiFile);
}

/** Resolves to the license texts of Node.js and everything inside it, which are the same for all platforms. */
export async function provideRuntimeLicense(options: ProvideOptions): Promise<string> {
  const folder = await provideRegistryPackage(parts["linux-x64"].runtime, options);
  return readFile(join(folder, "LICENSE"), "utf8");
}
