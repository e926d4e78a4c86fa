import type { Owner } from "../../server/contract/owner.ts";
import type { InstallSettings } from "../arguments/deployment-settings.ts";
import { findObstacle, glibcNeeded } from "./host-obstacle.ts";

/** A release of the server for one platform. */
export interface PlatformRelease {
  /** What `uname -sm` prints there. */
  readonly uname: string;
  /** SHA-256 of the executable. */
  readonly sha256: string;
  /** Size of the executable. */
  readonly bytes: number;
}

export interface HostScriptOptions {
  readonly install: InstallSettings;
  readonly owner: Owner;
  readonly releases: readonly PlatformRelease[];
  /** Take configuration, keys and logs away with the server. */
  readonly purgeState: boolean;
  /** For `repair`: what `vpnserver apply` is given; one line of JSON. */
  readonly desired?: string;
}

/**
 * What the script of {@link hostScript} does: `look` and `prepare` change nothing of the server; `repair` installs, then applies
 * what is desired.
 */
export type ScriptWord = "look" | "prepare" | "install" | "repair" | "uninstall";

/**
 * The command that runs the script on its standard input. A script in the command itself would be printed whole in every error
 * message of `@pulumi/command`, and shells such as csh take no line breaks within quotes.
 */
export function scriptCommand(word: ScriptWord): string {
  return `sh -s ${word}`;
}

/** Before each answer of the script, since a login shell may print lines of its own. */
const answerMark = "vpnserver-host: ";
/** Before the JSON of `vpnserver install`. */
export const resultMark = "vpnserver-result: ";

/** Exit code of `install` when the host has neither the release nor its upload. */
export const releaseMissing = 66;

/**
 * The script that does what has to be done on a host, in any POSIX shell, with what every host has. The logic of an installation
 * is in `vpnserver install`; this finds the executable, or a place for it.
 */
export function hostScript({ install, owner, releases, purgeState, desired }: HostScriptOptions): string {
  const folders = [
    '"$HOME"',
    ...(install.directory ? [hostPath(install.directory)] : []),
    "/var/tmp",
    "/tmp",
  ];
  const builtFor = releases.map(({ uname }) => uname).join(" and ");
  return `set -eu
umask 077
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=\${HOME:-/}
upload=.vpnserver-upload-${owner.id}

answer() { printf '${answerMark}%s\\n' "$1"; }
fail() { printf 'vpnserver: %s\\n' "$1" >&2; exit "\${2:-1}"; }

choose_release() {
  platform=$(uname -sm)
  case $platform in
${releases.map(({ uname, sha256, bytes }) => `    ${quote(uname)}) sha256=${sha256} kib=${Math.ceil(bytes / 1024)} ;;`).join("\n")}
    *) fail "this host is \\"$platform\\", and the server is built for ${builtFor} only" ;;
  esac
}

${findObstacle}
# Sets "prefix": the installation that is ours, else any.
find_installed() {
  for wanted in '"id": "${owner.id}"' '{'; do
    for prefix in ${prefixes(install).join(" ")}; do
      if [ -x "$prefix/current/vpnserver" ]; then
        case $(cat "$prefix/install.json" 2>&1) in *"$wanted"*) return 0 ;; esac
      fi
    done
  done
  return 1
}

# Calls "$1" with each folder that may take an upload, until one succeeds.
each_folder() {
  for folder in ${folders.join(" ")}; do
    while [ ! -d "$folder" ] && [ "$folder" != "\${folder%/*}" ]; do folder=\${folder%/*}; done
    if "$1" "\${folder:-/}"; then return 0; fi
  done
  return 1
}

# Not what somebody else has put into a folder for everybody.
is_ours() { [ -d "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; }

has_upload() { is_ours "$1/$upload" && vpnserver=$1/$upload/$sha256 && [ -x "$vpnserver" ]; }

# Sets "vpnserver": the release, installed or uploaded.
find_release() {
  for prefix in ${prefixes(install).join(" ")}; do
    vpnserver=$prefix/releases/$sha256/vpnserver
    if [ -x "$vpnserver" ]; then return 0; fi
  done
  each_folder has_upload
}

# Sets "staging" if programs can be put there and run.
take_folder() {
  staging=$1/$upload
  if [ ! -w "$1" ]; then unfit="$unfit; $1 cannot be written to"; return 1; fi
  free=$(df -Pk "$1" 2>/dev/null | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  case $free in
    '' | *[!0-9]*) ;;
    *) if [ "$free" -lt "$kib" ]; then unfit="$unfit; $1 has $free KiB free and the server needs $kib"; return 1; fi ;;
  esac
  if ! is_ours "$staging" && ! mkdir "$staging" 2>/dev/null; then unfit="$unfit; $1 takes no folder"; return 1; fi
  if printf '#!/bin/sh\\n' >"$staging/try" && chmod 700 "$staging/try" && "$staging/try" 2>/dev/null; then
    rm -f "$staging/try"
    return 0
  fi
  rm -rf "$staging"
  unfit="$unfit; in $1 no program may run (mounted noexec?)"
  return 1
}

remove_upload() {
  if is_ours "$1/$upload"; then rm -rf "\${1:?}/$upload"; fi
  return 1
}
remove_uploads() { each_folder remove_upload || true; }

look() {
  answer "platform=$(uname -sm)"
  obstacle=$(find_obstacle)
  if [ -n "$obstacle" ]; then answer "obstacle=$obstacle"; fi
  if ! find_installed; then return 0; fi
  answer "prefix=$prefix"
  answer "manifest=$(tr '\\n' ' ' <"$prefix/install.json")"
}

prepare() {
  choose_release
  answer "platform=$platform"
  if find_release; then answer "release=$vpnserver"; return 0; fi
  unfit=
  if ! each_folder take_folder; then
    fail "no folder of this host can take the upload: \${unfit#; }. Make room in one, or name another with the argument \\"directory\\""
  fi
  answer "staging=$staging"
  if command -v gzip >/dev/null 2>&1; then answer gzip=yes; fi
}

install() {
  choose_release
  find_release || fail "the release $sha256 is neither installed nor uploaded" ${releaseMissing}
  trap remove_uploads EXIT
  why=$("$vpnserver" version </dev/null 2>&1 >/dev/null) ||
    case $why in
      *'error while loading shared libraries: lib'*)
        fail "the server cannot run on this host, which lacks a library: $why. Install it: Debian and Ubuntu have it in libstdc++6 or libgcc-s1, others in libstdc++ or libgcc" ;;
      *) fail "the server cannot run on this host; it needs ${glibcNeeded}, which musl (Alpine) is not: \${why:-no reason given}" ;;
    esac
  result=$("$vpnserver" install --sha256 "$sha256" ${installFlags(install, owner).join(" ")} </dev/null)
  printf '${resultMark}%s\\n' "$result"
}

${desired === undefined ? "" : repair(desired)}uninstall() {
  remove_uploads
  if ! find_installed; then
    echo "vpnserver: nothing is installed on this host any more" >&2
    return 0
  fi
  "$prefix/current/vpnserver" uninstall --prefix "$prefix" --owner-id ${owner.id}${purgeState ? " --purge" : ""} </dev/null >&2
}

"$1"
`;
}

function repair(desired: string): string {
  return `repair() {
  install
  find_installed
  sudo=
  case $(cat "$prefix/install.json") in
    *'"mode": "service"'*) if [ "$(id -u)" != 0 ]; then sudo='sudo -n'; fi ;;
  esac
  $sudo "$prefix/current/vpnserver" apply --json <<'END_OF_DESIRED'
${desired}
END_OF_DESIRED
}

`;
}

function installFlags(options: InstallSettings, owner: Owner): string[] {
  return [
    "--json",
    `--mode ${options.mode}`,
    `--health-timeout ${options.healthTimeoutSeconds}`,
    options.openFirewall ? "--open-firewall" : "--no-open-firewall",
    `--owner-id ${owner.id}`,
    `--owner-stack ${quote(owner.stack)}`,
    `--owner-name ${quote(owner.name)}`,
    ...(options.adopt ? ["--adopt"] : []),
    ...(options.listeners ? [`--listeners ${options.listeners.join(",")}`] : []),
    ...(options.directory ? [`--prefix ${hostPath(options.directory)}`] : []),
    ...(options.stateDirectory ? [`--state-dir ${hostPath(options.stateDirectory)}`] : []),
    ...(options.importFrom ? [`--import ${hostPath(options.importFrom)}`] : []),
  ];
}

/**
 * The command that takes the executable from its standard input and gives it its name once it is whole.
 *
 * @param staging folder, as `prepare` answered it
 * @param unpack whether the input is compressed
 */
export function receiveCommand(staging: string, { sha256, bytes }: PlatformRelease, unpack: boolean): string {
  const script =
    `umask 077; { ${unpack ? "gzip -dc" : "cat"} >"$1/part" && [ "$(wc -c <"$1/part")" -eq "$3" ] && ` +
    'chmod 700 "$1/part" && mv "$1/part" "$1/$2"; } || { rm -rf "$1"; exit 1; }';
  return `sh -c '${script}' sh ${quote(staging)} ${sha256} ${bytes}`;
}

/** The answers of `look` and `prepare`, by their names; what else was printed is left out. */
export function parseAnswers(stdout: string): ReadonlyMap<string, string> {
  const lines = stdout.split("\n").filter((line) => line.startsWith(answerMark));
  return new Map(
    lines.map((line): [string, string] => {
      const [name = "", ...value] = line.slice(answerMark.length).split("=");
      return [name, value.join("=").trimEnd()];
    }),
  );
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

/** Prints the end of its log. */
export function logCommand(installed: InstalledServer, user: string, lines: number): string {
  return `${sudoFor(installed, user)}tail -n ${lines} ${quote(`${installed.stateDirectory}/log/server.log`)}`;
}

function commandOf(installed: InstalledServer, user: string, folder: string, words: string): string {
  const executable = quote(`${installed.prefix}/${folder}/vpnserver`);
  return `${sudoFor(installed, user)}${executable} --state-dir ${quote(installed.stateDirectory)} ${words}`;
}

function sudoFor({ mode }: InstalledServer, user: string): string {
  return mode === "service" && user !== "root" ? "sudo -n " : "";
}

function prefixes({ mode, directory }: Pick<InstallSettings, "mode" | "directory">): string[] {
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
