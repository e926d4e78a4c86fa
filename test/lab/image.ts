import { join } from "node:path";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";
import { bootSystems, type BootSystem } from "./boot-system.ts";
import { ensureRoot, rootTimeoutMs } from "./cached-root.ts";
import { runCommand } from "./command.ts";

/** A minimal Debian 12 as a server has it: no runtime, compiler or compressor but what these bring themselves. */
const packages = ["iproute2", "nftables", "openssh-server", "procps", "sudo"];

/** What one host must not share with another, or with the machine that the image is made on. */
const personalFiles = ["etc/hostname", "etc/resolv.conf", "etc/ssh/ssh_host_*"];

function recipeFor(bootSystem: BootSystem, more: readonly string[]): readonly string[] {
  const { packages: own, hooks } = bootSystems[bootSystem];
  return [
    "--variant=minbase",
    `--include=${[...[...packages, ...own].sort(), ...more].join(",")}`,
    ...hooks,
    `--customize-hook=cd "$1" && rm -f ${personalFiles.join(" ")} && : > etc/machine-id`,
    "bookworm",
  ];
}

/**
 * Resolves to the root folder of the image that all test hosts with that boot system share, which nobody may write to. It is made once, from
 * the Debian mirror that this machine itself uses, and kept in the user's cache.
 *
 * @throws Error that ends with the words of mmdebstrap
 */
export function ensureImage(
  log: (line: string) => void,
  {
    cacheDirectory = join(defaultCacheDirectory(), "lab"),
    bootSystem = "systemd",
    packages: more = [],
  }: {
    cacheDirectory?: string;
    bootSystem?: BootSystem;
    /** Besides those of every host. */
    packages?: readonly string[];
  } = {},
): Promise<string> {
  const recipe = recipeFor(bootSystem, more);
  return ensureRoot({
    what: `the image of the test hosts, a minimal Debian 12 with ${bootSystem}`,
    directory: cacheDirectory,
    recipe,
    make: async (root) =>
      void (await runCommand("mmdebstrap", [...recipe, root], { timeoutMs: rootTimeoutMs })),
    log,
  });
}
