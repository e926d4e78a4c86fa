import { Background } from "./background.ts";
import type { InitSystem, InitSystemKind, InstalledServer } from "./init-system.ts";
import { systemd } from "./systemd.ts";

/** Those that can start a server at boot; the first one that runs the host does. */
const kinds: readonly InitSystemKind[] = [systemd];

/** What runs the host, or in clauses why that is nothing which can start a server at boot, and what to do about it. */
export type InitSystemFinding =
  { readonly title: string } | { readonly reason: string; readonly wayOut: string };

export function findInitSystem(): InitSystemFinding {
  const kind = detected();
  if (kind !== undefined) return { title: kind.title };
  const titles = listed(({ title }) => title);
  return {
    reason: `${titles} is not the running init of this host (there is no ${listed(({ sign }) => sign)})`,
    wayOut: `boot the host with ${titles}`,
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

/** The file by which an init system starts a server of ours with its state in that folder; `undefined` when there is none. */
export async function fileOfServerIn(stateDirectory: string): Promise<string | undefined> {
  const files = await Promise.all(kinds.map((kind) => kind.fileOfServerIn(stateDirectory)));
  return files.find((file) => file !== undefined);
}

function detected(): InitSystemKind | undefined {
  return kinds.find((kind) => kind.detect());
}

function listed(part: (kind: InitSystemKind) => string): string {
  return kinds.map(part).join(" or ");
}
