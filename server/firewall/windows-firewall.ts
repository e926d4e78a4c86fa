import { join } from "node:path";
import { ServerError } from "../errors.ts";
import { failureOf, type ProgramResult, type RunProgram } from "../platform/run-program.ts";
import type { Firewall, FirewallManager } from "./firewall-manager.ts";
import { portList } from "./firewall-report.ts";
import {
  closingCommand,
  isOfProgram,
  planOpening,
  portsOfRule,
  showCommand,
  type NetshCommand,
} from "./windows-plan.ts";

const manager = "windows";

/** The firewall of Windows, by netsh, with one rule for this program. */
export const windowsFirewall: FirewallManager = windowsFirewallOf(process.execPath, process.platform);

/** {@link windowsFirewall} for any program where none is named. */
export function windowsFirewallOf(ownProgram: string, platform: NodeJS.Platform): FirewallManager {
  const isThere = platform === "win32";
  return {
    async find(run, program = ownProgram) {
      if (!isThere) return undefined;
      const shown = await runNetsh(run, showCommand);
      return shown === undefined ? undefined : firewallWith(program, shown, run);
    },
    async close(ports, run, program = ownProgram) {
      if (!isThere) return false;
      const shown = await runNetsh(run, showCommand);
      if (shown === undefined || shown.code !== 0) return false;
      const open = portsOfRule(shown.stdout);
      const left = ports === undefined ? [] : open.filter((port) => !ports.includes(port));
      if (ports !== undefined && left.length === open.length) return false;
      await change(run, closingCommand);
      if (left.length > 0) await change(run, planOpening(program, left));
      return true;
    },
  };
}

function firewallWith(program: string, shown: ProgramResult, run: RunProgram): Firewall {
  const isOurs = shown.code === 0 && isOfProgram(shown.stdout, program);
  const open = isOurs ? portsOfRule(shown.stdout) : [];
  return {
    async open(ports) {
      const wanted = [...new Set([...open, ...ports])].sort((a, b) => a - b);
      const changed = !isOurs || wanted.length !== open.length;
      if (changed) {
        // Of a former place of the executable, or with other ports.
        if (shown.code === 0) await change(run, closingCommand);
        await change(run, planOpening(program, wanted));
      }
      const message = `the Windows firewall lets ${portList(ports)} of this program in`;
      return { report: { manager, ports: [...ports], message }, changed, keptByStart: false };
    },
    show: async (ports) => {
      const reached = ports.filter((port) => open.includes(port));
      const closed = ports.filter((port) => !open.includes(port));
      const sentences = [
        reached.length > 0 ? `the Windows firewall lets ${portList(reached)} of this program in` : "",
        closed.length > 0 ? `no rule of ours in the Windows firewall is for ${portList(closed)}` : "",
      ];
      return {
        manager,
        ports: reached,
        message: sentences.filter(Boolean).join("; ") || "no port was asked for",
      };
    },
  };
}

async function change(run: RunProgram, command: NetshCommand): Promise<void> {
  const result = await runNetsh(run, command);
  if (result?.code === 0) return;
  const why = result === undefined ? "there is no such program" : failureOf(result);
  throw new ServerError("FAILED", `"netsh ${command.slice(0, 4).join(" ")}" failed: ${why}`);
}

/** By its path: no other program of that name is to get an administrator's rights. */
function runNetsh(run: RunProgram, command: NetshCommand): Promise<ProgramResult | undefined> {
  return run(join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", "netsh.exe"), command);
}
