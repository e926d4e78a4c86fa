import { firstProcessName } from "../platform/first-process.ts";
import { Background } from "./background.ts";
import type { InitSystem, InitSystemKind, InstalledServer } from "./init-system.ts";
import { openrc } from "./openrc.ts";
import { systemd } from "./systemd.ts";
import { sysv } from "./sysv.ts";
import { windowsService } from "./windows-service.ts";

/** Those that can start a server at boot; the first one that runs the host does. OpenRC often has sysvinit for its first process. */
const kinds: readonly InitSystemKind[] =
  process.platform === "win32" ? [windowsService] : [systemd, openrc, sysv];

/** What runs the host, or in clauses why that is nothing which can start a server at boot, and what to do about it. */
export type InitSystemFinding =
  { readonly title: string } | { readonly reason: string; readonly wayOut: string };

export function findInitSystem(): InitSystemFinding {
  const kind = detected();
  if (kind !== undefined) return { title: kind.title };
  const signs = kinds.map(({ title, sign }) => `${sign} (${title})`).join(", no ");
  const first = firstProcessName();
  const whose = first === undefined ? "" : `; its first process is "${first}"`;
  return {
    reason: `none of ${listed("and")} runs this host (there is no ${signs}${whose})`,
    wayOut: `boot the host with ${listed("or")}; in a container, run "vpnserver execsvc" as its command`,
  };
}

/**
 * What runs a server.
 *
 * @param options.atBoot started by the host, in service mode; or else by its user
 */
export function initSystemOf(server: InstalledServer, options: { readonly atBoot: boolean }): InitSystem {
  if (!options.atBoot) return new Background(server);
  // An uninstall where the host is not run by any looks for the unit all the same.
  const kind = detected() ?? systemd;
  return kind.of(server);
}

/** {@link initSystemOf}, and whatever may have run it before: a host can be given another init system. */
export function allInitSystemsOf(
  server: InstalledServer,
  options: { readonly atBoot: boolean },
): readonly InitSystem[] {
  return options.atBoot ? kinds.map((kind) => kind.of(server)) : [new Background(server)];
}

/** The file by which an init system starts a server of ours with its state in that folder; `undefined` when there is none. */
export async function fileOfServerIn(stateDirectory: string): Promise<string | undefined> {
  const files = await Promise.all(kinds.map((kind) => kind.fileOfServerIn(stateDirectory)));
  return files.find((file) => file !== undefined);
}

function detected(): InitSystemKind | undefined {
  return kinds.find((kind) => kind.detect());
}

/** `systemd, OpenRC and SysV init`. */
function listed(word: "and" | "or"): string {
  const titles = kinds.map(({ title }) => title);
  return `${titles.slice(0, -1).join(", ")} ${word} ${titles.at(-1)}`;
}
