import { ServerError } from "../errors.ts";
import { legacyIptablesTables } from "../platform/proc.ts";
import type { RunProgram } from "../platform/run-program.ts";
import { leftAlone, type Firewall, type FirewallManager } from "./firewall-manager.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";
import { portList } from "./firewall-report.ts";
import { changeRuleset, readRuleset } from "./nft.ts";
import { keepOwnRules, type Keeping } from "./nftables-keeping.ts";
import { openPorts, ownPorts, planClosing, planOpening } from "./nftables-plan.ts";
import type { Ruleset } from "./ruleset.ts";

/** What the kernel of every host has, and so the last one to be asked. */
export const nftables: FirewallManager = {
  async find(run) {
    const reading = await readRuleset(run);
    if (reading.kind === "failed") {
      return leftAlone(`the firewall's rules cannot be read (${reading.reason})`);
    }
    if (await iptablesStops(run, reading.kind === "no nft")) {
      return leftAlone("iptables rules this host, which is not changed");
    }
    if (reading.kind === "no nft") return firewallWith({ chains: [] }, run);
    if (reading.ruleset.chains.some(({ table }) => table === "firewalld")) {
      return leftAlone("firewalld rules this host, which is not changed");
    }
    return firewallWith(reading.ruleset, run);
  },
  async close(ports, run) {
    const reading = await readRuleset(run);
    if (reading.kind !== "read") return false;
    const commands = planClosing(reading.ruleset, ports);
    await changeRuleset(run, commands);
    await keepOwnRules(run, await rereadRuleset(run));
    return commands.length > 0;
  },
};

function firewallWith(found: Ruleset, run: RunProgram): Firewall {
  return {
    async open(ports) {
      const { rules, commands } = planOpening(found, ports);
      await changeRuleset(run, commands);
      const ruleset = commands.length === 0 ? found : await rereadRuleset(run);
      const keeping = await keepOwnRules(run, ruleset);
      const report = nftablesReport(ports, ruleset, rules.length > 0);
      return {
        report: rules.length > 0 ? { ...report, message: report.message + keepingNote(keeping) } : report,
        changed: commands.length > 0,
        keptByStart: rules.length > 0 && keeping.kind === "nowhere",
      };
    },
    show: async (ports) => nftablesReport(ports, found, planOpening(found, ports).rules.length > 0),
  };
}

/**
 * Whether rules of iptables stop connections where nft does not show them: in the kernel's old tables, or because there
 * is no nft.
 */
async function iptablesStops(run: RunProgram, withoutNft: boolean): Promise<boolean> {
  const programs = [
    ...((await legacyIptablesTables()).includes("filter") ? ["iptables-legacy"] : []),
    ...(withoutNft ? ["iptables"] : []),
  ];
  for (const program of programs) {
    const result = await run(program, ["-S", "INPUT"]);
    if (result?.code === 0 && /^-P INPUT DROP$| -j (?:DROP|REJECT)\b/m.test(result.stdout)) return true;
  }
  return false;
}

function nftablesReport(ports: readonly number[], ruleset: Ruleset, filtered: boolean): FirewallReport {
  const open = openPorts(ruleset, ports);
  if (!filtered) {
    return {
      manager: "none",
      ports: open,
      message: `no firewall of this host stops ${portList(ports)}: whoever reaches the host reaches the server`,
    };
  }
  const closed = ports.filter((port) => !open.includes(port));
  const own = ownPorts(ruleset).filter((port) => open.includes(port));
  const sentences = [
    own.length > 0 ? `nftables lets ${portList(own)} in by rules of ours` : "",
    closed.length > 0 ? `nftables stops ${portList(closed)}` : "",
  ];
  return {
    manager: "nftables",
    ports: open,
    message: sentences.filter(Boolean).join("; ") || `nftables lets ${portList(open)} in`,
  };
}

function keepingNote(keeping: Keeping): string {
  switch (keeping.kind) {
    case "file":
      return ", also after a boot";
    case "nothing":
      return "";
    case "nowhere":
      return `; they last until the next boot, because ${keeping.reason}`;
  }
}

async function rereadRuleset(run: RunProgram): Promise<Ruleset> {
  const reading = await readRuleset(run);
  if (reading.kind === "read") return reading.ruleset;
  throw new ServerError("FAILED", "the firewall's rules can no longer be read");
}
