import { ServerError } from "../errors.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import type { Firewall, FirewallManager } from "./firewall-manager.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";
import { portList } from "./firewall-report.ts";
import { readRuleset } from "./nft.ts";
import { openPorts } from "./nftables-plan.ts";
import { isActive, planUfwClosing, planUfwOpening, portInRules, type UfwCommand } from "./ufw-plan.ts";

export const ufw: FirewallManager = {
  async find(run) {
    const status = await runUfw(run, ["status"]);
    if (status === undefined || !isActive(status)) return undefined;
    return firewallWith(await addedRules(run), run);
  },
  async close(ports, run) {
    // Also where it is switched off: its rules wait for it to be switched on.
    if ((await runUfw(run, ["status"])) === undefined) return false;
    const commands = planUfwClosing(await addedRules(run), ports);
    for (const command of commands) await runUfw(run, command);
    return commands.length > 0;
  },
};

function firewallWith(added: string, run: RunProgram): Firewall {
  return {
    async open(ports) {
      const commands = planUfwOpening(added, ports);
      for (const command of commands) await runUfw(run, command);
      const report = ufwReport(ports, await addedRules(run), await otherFilters(run, ports));
      return { report, changed: commands.length > 0, keptByStart: false };
    },
    show: async (ports) => ufwReport(ports, added, await otherFilters(run, ports)),
  };
}

function ufwReport(
  ports: readonly number[],
  added: string,
  closedElsewhere: readonly number[],
): FirewallReport {
  const named = ports.map((port) => ({ port, state: portInRules(added, port) }));
  const open = named.filter(({ port, state }) => state.startsWith("open") && !closedElsewhere.includes(port));
  const shut = named.filter(({ state }) => state === "shut").map(({ port }) => port);
  const closed = named.filter(({ state }) => state === "not named").map(({ port }) => port);
  const sentences = [
    open.length > 0 ? `ufw lets ${portList(open.map(({ port }) => port))} in` : "",
    closed.length > 0 ? `ufw has no rule for ${portList(closed)}` : "",
    shut.length > 0
      ? `ufw has a rule of the administrator against ${portList(shut)}, which was left as it is`
      : "",
    closedElsewhere.length > 0
      ? `rules beside those of ufw stop ${portList(closedElsewhere)} and were left as they are`
      : "",
  ];
  return {
    manager: "ufw",
    ports: open.map(({ port }) => port),
    message: sentences.filter(Boolean).join("; ") || "no port was asked for",
  };
}

/** Ports that chains beside those of iptables, which ufw uses, would stop. */
async function otherFilters(run: RunProgram, ports: readonly number[]): Promise<number[]> {
  const reading = await readRuleset(run);
  if (reading.kind !== "read") return [];
  const chains = reading.ruleset.chains.filter(
    ({ table, family }) => !(table === "filter" && (family === "ip" || family === "ip6")),
  );
  const open = openPorts({ chains }, ports);
  return ports.filter((port) => !open.includes(port));
}

async function addedRules(run: RunProgram): Promise<string> {
  return (await runUfw(run, ["show", "added"])) ?? "";
}

/** Output of ufw; `undefined` when this host has none. */
async function runUfw(run: RunProgram, command: UfwCommand): Promise<string | undefined> {
  const result = await run("ufw", command);
  if (result === undefined) return undefined;
  if (result.code !== 0) {
    throw new ServerError("FAILED", `"ufw ${command.join(" ")}" failed: ${failureOf(result)}`);
  }
  return result.stdout;
}
