import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The programs that the lab runs, with the Debian package of each. */
const programs = {
  ip: "iproute2",
  mmdebstrap: "mmdebstrap",
  nsenter: "util-linux",
  setpriv: "util-linux",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  "systemd-nspawn": "systemd-container",
  unshare: "util-linux",
} as const;

/**
 * Checks that test hosts can be had on this machine.
 *
 * @throws Error that says what is missing, what it is for and how to get it
 */
export function checkRequirements(
  environment: { uid?: number | undefined; path: string } = {
    uid: process.getuid?.(),
    path: process.env["PATH"] ?? "",
  },
): void {
  if (environment.uid !== 0) {
    throw new Error(
      "the lab's test hosts need root, for network namespaces, overlay mounts and systemd-nspawn: run the tests as root",
    );
  }
  const missing = Object.entries(programs).filter(([program]) => !isOnPath(program, environment.path));
  if (missing.length > 0) {
    const names = missing.map(([program]) => program).join(", ");
    const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(" ");
    throw new Error(
      `the lab's test hosts need programs that this machine lacks (${names}): apt-get install ${packages}`,
    );
  }
}

function isOnPath(program: string, path: string): boolean {
  return path
    .split(delimiter)
    .filter(Boolean)
    .some((directory) => {
      try {
        accessSync(join(directory, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
