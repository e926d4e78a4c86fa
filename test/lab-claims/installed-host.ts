import type { InstallResult } from "../../server/contract/install-result.ts";
import type { RunningStatus } from "../../server/contract/server-status.ts";
import { builtRelease } from "../install/release-variants.ts";
import type { CommandResult } from "../lab/command.ts";
import type { Host } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";

/** Puts a release into the user's home and runs its `install` there. */
export async function install(
  host: Host,
  words: readonly string[] = [],
  options: { release?: string; user?: string } = {},
): Promise<CommandResult> {
  const { release = builtRelease, user = "root" } = options;
  await host.upload(release, "vpnserver-upload", { mode: 0o755, user });
  return host.run(["./vpnserver-upload", "install", "--json", ...words].join(" "), { user, check: false });
}

/** The result of an installation that went well. */
export function resultOf({ code, stdout, stderr }: CommandResult): InstallResult {
  if (code !== 0) throw new Error(`install: exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as InstallResult;
}

export async function statusOf(host: Host, executable = "vpnserver", user = "root"): Promise<RunningStatus> {
  return JSON.parse((await host.run(`${executable} status --json`, { user })).stdout) as RunningStatus;
}

/** Process ids of supervisor and worker. */
export async function serverProcesses(host: Host): Promise<number[]> {
  const { stdout } = await host.console("ps -e -o pid=,args= | grep '[v]pnserver execsvc' || true");
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => Number.parseInt(line, 10));
}

/** Which TCP ports of the host another one reaches: somebody answers there. */
export async function reachable(lab: Lab, host: Host, ports: readonly number[]): Promise<number[]> {
  const tries = ports.map(async (port) => {
    const script = `exec 3<>/dev/tcp/${host.address}/${port}`;
    const { code } = await lab.outsider.run("timeout", ["2", "bash", "-c", script], { check: false });
    return code === 0;
  });
  const answers = await Promise.all(tries);
  return ports.filter((_, index) => answers[index]);
}

/** Every file of the host with the content of those in /etc, and the rules of its firewall without their counters. */
export async function footprint(host: Host): Promise<string[]> {
  const changing = [
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/systemd",
    // What OpenRC found out about the services at a boot.
    "/usr/lib/rc/cache",
  ];
  const skipped = changing.map((path) => `-path ${path}`).join(" -o ");
  const { stdout } = await host.console(
    `find / \\( ${skipped} \\) -prune -o -printf '%p %y %m %l\\n' | sort; find /etc -type f -exec sha256sum {} + | sort; ` +
      "nft list ruleset 2>/dev/null | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'; ufw show added 2>/dev/null; true",
  );
  return stdout.split("\n");
}
