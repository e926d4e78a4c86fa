import { join } from "node:path";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";
import { ensureRoot, rootTimeoutMs } from "./cached-root.ts";
import { runCommand } from "./command.ts";

/** A minimal Debian 12 as a server has it: no runtime, compiler or compressor but what these bring themselves. */
const packages = [
  "dbus",
  "iproute2",
  "iptables",
  "libpam-systemd",
  "nftables",
  "openssh-server",
  "procps",
  "sudo",
  "systemd",
  "systemd-sysv",
  "tcsh",
  "ufw",
];

/** Housekeeping that would run in the middle of a claim. */
const maskedUnits = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "console-getty.service",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
];

/** What one host must not share with another, or with the machine that the image is made on. */
const personalFiles = ["etc/hostname", "etc/resolv.conf", "etc/ssh/ssh_host_*"];

const recipeWith = (more: readonly string[]): readonly string[] => [
  "--variant=minbase",
  `--include=${[...packages, ...more].join(",")}`,
  `--customize-hook=systemctl --root="$1" --quiet mask ${maskedUnits.join(" ")}`,
  `--customize-hook=cd "$1" && rm -f ${personalFiles.join(" ")} && : > etc/machine-id`,
  "bookworm",
];

/**
 * Resolves to the root folder of the image that all test hosts share, which nobody may write to. It is made once, from
 * the Debian mirror that this machine itself uses, and kept in the user's cache.
 *
 * @throws Error that ends with the words of mmdebstrap
 */
export function ensureImage(
  log: (line: string) => void,
  {
    cacheDirectory = join(defaultCacheDirectory(), "lab"),
    packages: more = [],
  }: { cacheDirectory?: string; /** Besides those of every host. */ packages?: readonly string[] } = {},
): Promise<string> {
  const recipe = recipeWith(more);
  return ensureRoot({
    what: "the image of the test hosts, a minimal Debian 12",
    directory: cacheDirectory,
    recipe,
    make: async (root) =>
      void (await runCommand("mmdebstrap", [...recipe, root], { timeoutMs: rootTimeoutMs })),
    log,
  });
}
