import { join } from "node:path";
import { defaultCacheDirectory } from "../../../tools/cache-directory.ts";
import { ensureRoot, rootTimeoutMs } from "../../lab/cached-root.ts";
import { runCommand } from "../../lab/command.ts";

/** Wine 10 is the first that runs the runtime of the executable, and Debian 13 the first that has it. */
const suite = "trixie";

/** Wine with its 64-bit half, a screen that nobody looks at, and what moves a mouse and takes pictures there. */
const packages = ["netpbm", "procps", "wine", "wine64", "x11-apps", "xdotool", "xvfb"];

const leftOut = ["man", "doc", "locale", "icons"];

const recipe = [
  "--variant=apt",
  "--skip=check/qemu,cleanup/apt/lists",
  `--include=${packages.join(",")}`,
  '--aptopt=APT::Install-Recommends "false"',
  ...leftOut.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
  // The half for programs of 32 bits, which nothing here needs.
  '--customize-hook=rm -rf "$1"/usr/lib/x86_64-linux-gnu/wine/i386-windows "$1"/var/lib/apt/lists/*',
  `--customize-hook=echo "127.0.0.1 localhost" >"$1/etc/hosts"`,
];

/** Makes the drives and the registry of a Windows that was never used, so that each test begins with a copy of them. */
const firstBoot = `
set -eu
root=$1
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
chroot "$root" /usr/bin/env -i ${wineVariables()} sh -c 'wineboot --init && wineserver --wait'
`;

/** What every program of Wine is started with, for `env`. */
export function wineVariables(): string {
  return [
    "HOME=/root",
    "USER=root",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/wine",
    "LANG=C.UTF-8",
    "WINEDEBUG=-all",
    "WINEPREFIX=/root/.wine",
    // Neither .NET nor a browser is asked for.
    "WINEDLLOVERRIDES=mscoree,mshtml=",
  ].join(" ");
}

/**
 * Resolves to the root folder of a Debian with Wine that has been started once, made once from the Debian mirror that this machine itself
 * uses, and kept in the user's cache. Nobody may write to it.
 *
 * @throws Error that ends with the words of mmdebstrap or Wine
 */
export function ensureWineRoot(log: (line: string) => void): Promise<string> {
  return ensureRoot({
    what: "a Debian 13 with Wine",
    directory: join(defaultCacheDirectory(), "wine"),
    recipe: [...recipe, suite, firstBoot],
    make: async (root) => {
      const source = `deb ${await mirror()} ${suite} main`;
      await runCommand("mmdebstrap", [...recipe, suite, root, source], { timeoutMs: rootTimeoutMs });
      const namespaces = ["--mount", "--pid", "--fork", "--kill-child"];
      await runCommand("unshare", [...namespaces, "sh", "-c", firstBoot, "first-boot", root], {
        timeoutMs: rootTimeoutMs,
      });
    },
    log,
  });
}

/** Where this machine gets its own packages from. */
async function mirror(): Promise<string> {
  const { stdout } = await runCommand("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
  ]);
  const found = stdout.split("\n").find((line) => line !== "" && !line.includes("security"));
  if (found === undefined) throw new Error("apt has no source of packages: look into /etc/apt");
  return found;
}
