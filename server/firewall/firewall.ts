import type { RunProgram } from "../platform/run-program.ts";
import { leftAlone, type Firewall, type FirewallManager, type FirewallOpening } from "./firewall-manager.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";
import { nftables } from "./nftables.ts";
import { ufw } from "./ufw.ts";
import { windowsFirewall } from "./windows-firewall.ts";

/** Those that are known here; the first one that finds itself at work decides on a host. */
const managers: readonly FirewallManager[] = [windowsFirewall, ufw, nftables];

/** {@link Firewall.open} of whichever firewall rules this host. */
export async function openFirewall(
  ports: readonly number[],
  run: RunProgram,
  program?: string,
): Promise<FirewallOpening> {
  return (await findFirewall(run, program)).open(ports);
}

/** {@link FirewallManager.close} of all, wherever the rules of ours are. */
export async function closeFirewall(
  ports: readonly number[] | undefined,
  run: RunProgram,
  program?: string,
): Promise<boolean> {
  let changed = false;
  for (const manager of managers) changed = (await manager.close(ports, run, program)) || changed;
  return changed;
}

/** {@link Firewall.show} of whichever firewall rules this host. */
export async function showFirewall(ports: readonly number[], run: RunProgram): Promise<FirewallReport> {
  return (await findFirewall(run)).show(ports);
}

async function findFirewall(run: RunProgram, program?: string): Promise<Firewall> {
  for (const manager of managers) {
    const firewall = await manager.find(run, program);
    if (firewall !== undefined) return firewall;
  }
  return leftAlone("no firewall that is known here rules this host");
}
