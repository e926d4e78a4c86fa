/** What the install command on the host needs to know. */
export interface InstallOptions {
  /** SHA-256 of the executable. */
  readonly sha256: string;
  readonly mode: DeploymentMode;
  /** TCP ports, or `undefined` to keep what the host has (443, 992 and 5555 at first). */
  readonly listeners?: readonly number[];
  readonly openFirewall: boolean;
  /** Folder of the executable on the host; the mode's own when left out. */
  readonly directory?: string;
  /** Folder of configuration, keys and logs on the host; the mode's own when left out. */
  readonly stateDirectory?: string;
  /** Configuration of a SoftEther VPN Server on the host that is taken over. */
  readonly importFrom?: string;
  /** How long a new release has to become healthy before the previous one is put back. */
  readonly healthTimeoutSeconds: number;
}

/** How the server runs on its host. */
export const DeploymentMode = {
  /** Service mode where the user may (root or passwordless sudo, and an init system), else user mode. */
  Auto: "auto",
  /** Registered with the init system and started at boot. */
  Service: "service",
  /** A background process of the user, for hosts without root; nothing at boot. */
  User: "user",
} as const;
export type DeploymentMode = (typeof DeploymentMode)[keyof typeof DeploymentMode];

/** Path of the upload on the host, below the user's home, where SFTP and commands both begin. */
export function uploadPath(sha256: string): string {
  return `.vpnserver-${sha256}.gz`;
}

/**
 * Runs a script that it gets on standard input, whatever the login shell is. A script in the command itself would be
 * printed whole in every error message of `@pulumi/command`.
 */
export const scriptRunner = "sh -s";

/** Exit code of {@link installScript} when the host has neither the release nor its upload. */
export const releaseMissing = 66;

/**
 * The script that installs or updates a server, for {@link scriptRunner}: it finds or unpacks the release and hands over
 * to `vpnserver install`, where the logic is. Safe to run again at any time. Its last line on standard output is the
 * result as JSON.
 */
export function installScript(options: InstallOptions): string {
  const { sha256 } = options;
  const flags = [
    "--json",
    `--mode ${options.mode}`,
    `--health-timeout ${options.healthTimeoutSeconds}`,
    options.openFirewall ? "--open-firewall" : "--no-open-firewall",
    ...(options.listeners ? [`--listeners ${options.listeners.join(",")}`] : []),
    ...(options.directory ? [`--prefix ${hostPath(options.directory)}`] : []),
    ...(options.stateDirectory ? [`--state-dir ${hostPath(options.stateDirectory)}`] : []),
    ...(options.importFrom ? [`--import ${hostPath(options.importFrom)}`] : []),
  ];
  return `set -eu
upload="$HOME"/${uploadPath(sha256)}
vpnserver=
for prefix in ${prefixes(options).join(" ")}; do
  if [ -x "$prefix/releases/${sha256}/vpnserver" ]; then vpnserver="$prefix/releases/${sha256}/vpnserver"; fi
done
if [ -z "$vpnserver" ]; then
  if [ ! -r "$upload" ]; then
    echo "the release ${sha256} is neither installed nor uploaded: it was removed by hand, or the host was set up anew." >&2
    echo "Upload it again: pulumi up --replace URN, with the URN of this server's upload from pulumi stack --show-urns" >&2
    exit ${releaseMissing}
  fi
  staging=$(mktemp -d "$HOME/.vpnserver-staging-XXXXXX")
  trap 'rm -rf "$staging"' EXIT
  gzip -dc <"$upload" >"$staging/vpnserver" || { echo "cannot unpack $upload: is the disk full?" >&2; exit 1; }
  if [ "$(sha256sum <"$staging/vpnserver" | cut -c 1-64)" != ${sha256} ]; then
    echo "the upload $upload is damaged: its SHA-256 is not ${sha256}" >&2
    exit 1
  fi
  chmod 700 "$staging/vpnserver"
  vpnserver="$staging/vpnserver"
fi
# Standard input is this script.
"$vpnserver" install ${flags.join(" ")} </dev/null
rm -f "$upload"
`;
}

/** The command that takes the server away again; does nothing where there is none. */
export function uninstallScript(
  options: Pick<InstallOptions, "mode" | "directory" | "sha256"> & { readonly keepState: boolean },
): string {
  const script = `set -eu
rm -f "$HOME"/${uploadPath(options.sha256)}
for prefix in ${prefixes(options).join(" ")}; do
  if [ -x "$prefix/current/vpnserver" ]; then
    "$prefix/current/vpnserver" uninstall --prefix "$prefix"${options.keepState ? "" : " --purge"}
    break
  fi
done
`;
  return `sh -c ${quote(script)}`;
}

/** Where the installed server is, as `install --json` reported it. */
export interface InstalledServer {
  readonly mode: string;
  readonly prefix: string;
  readonly stateDirectory: string;
}

/**
 * The command that makes the hubs what its standard input says. It names the release, so that another release is another
 * command, and Pulumi runs it again.
 */
export function applyCommand(installed: InstalledServer & { readonly sha256: string }, user: string): string {
  return commandOf(installed, user, `releases/${installed.sha256}`, "apply --json");
}

/** A command line for the installed server, as root where the service needs it. */
export function serverCommand(installed: InstalledServer, user: string, words: string): string {
  return commandOf(installed, user, "current", words);
}

function commandOf(installed: InstalledServer, user: string, folder: string, words: string): string {
  const sudo = installed.mode === "service" && user !== "root" ? "sudo -n " : "";
  const executable = quote(`${installed.prefix}/${folder}/vpnserver`);
  return `${sudo}${executable} --state-dir ${quote(installed.stateDirectory)} ${words}`;
}

function prefixes({ mode, directory }: Pick<InstallOptions, "mode" | "directory">): string[] {
  if (directory !== undefined) return [hostPath(directory)];
  const service = "/opt/vpnserver";
  const user = '"$HOME/vpnserver"';
  switch (mode) {
    case "service":
      return [service];
    case "user":
      return [user];
    case "auto":
      // The user's own first: the service may be another's.
      return [user, service];
  }
}

/** A path on the host as a shell word; `~/` is the user's home. */
function hostPath(path: string): string {
  return path === "~" || path.startsWith("~/") ? `"$HOME"${quote(path.slice(1))}` : quote(path);
}

function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
