import type { Command } from "commander";
import { ServerError } from "../errors.ts";
import type { FirewallReport, FirewallResult } from "../contract/firewall-report.ts";
import { jsonLine } from "../contract/json-format.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";
import { parsePortList } from "./port-list.ts";

interface FirewallFlags {
  readonly ports?: number[];
  readonly json?: true;
}

/** `firewall open`, `close` and `show`: the host's own firewall, as `install` uses it. */
export function addFirewallCommand(program: Command, context: CliContext): void {
  const firewall = program
    .command("firewall")
    .description("open the listeners' ports in the host's firewall (nftables or ufw), close them, or look");
  const add = (name: string, description: string, action: (flags: FirewallFlags) => Promise<void>) =>
    firewall
      .command(name)
      .description(description)
      .option(
        "--ports <ports>",
        "TCP ports, as 443,992,5555 (default: the server's listeners)",
        parsePortList,
      )
      .option("--json", "print JSON")
      .action(async (flags: FirewallFlags) => {
        if (context.uid !== 0) {
          throw new ServerError(
            "NOT_PERMITTED",
            process.platform === "win32"
              ? 'only an administrator can read and change the firewall: open the console by "Run as administrator"'
              : "only root can read and change the host's firewall: use sudo",
          );
        }
        await action(flags);
      });

  add("open", "let other hosts reach the ports, for good", async (flags) => {
    const { openFirewall } = await import("../firewall/firewall.ts");
    const { runProgram } = await import("../platform/run-program.ts");
    const ports = flags.ports ?? (await listenerPorts(context));
    const { report, changed } = await recorded(
      context,
      (known) => [...new Set([...known, ...ports])],
      () => openFirewall(ports, runProgram),
    );
    print(context, flags, report, changed);
  });
  add("close", "take our rules away, those of --ports or all; no other rule is touched", async (flags) => {
    const { closeFirewall, showFirewall } = await import("../firewall/firewall.ts");
    const { runProgram } = await import("../platform/run-program.ts");
    const { ports } = flags;
    const changed = await recorded(
      context,
      (known) => known.filter((port) => ports !== undefined && !ports.includes(port)),
      () => closeFirewall(ports, runProgram),
    );
    print(context, flags, await showFirewall(ports ?? (await listenerPorts(context)), runProgram), changed);
  });
  add("show", "tell whether other hosts reach the ports", async (flags) => {
    const { showFirewall } = await import("../firewall/firewall.ts");
    const { runProgram } = await import("../platform/run-program.ts");
    print(
      context,
      flags,
      await showFirewall(flags.ports ?? (await listenerPorts(context)), runProgram),
      undefined,
    );
  });
}

function print(
  context: CliContext,
  flags: FirewallFlags,
  report: FirewallReport,
  changed: boolean | undefined,
): void {
  const result: FirewallResult = { ...report, ...(changed !== undefined && { changed }) };
  context.print(flags.json ? jsonLine(version, result) : result.message);
}

async function listenerPorts(context: CliContext): Promise<number[]> {
  const { readServerConfig } = await import("../config/disk/config-file.ts");
  const { listeners } = await readServerConfig(context.statePaths());
  return listeners.filter(({ enabled }) => enabled).map(({ port }) => port);
}

/** Does `work` and, where this executable is an installed one, writes down which ports `uninstall` has to close. */
async function recorded<T>(
  { executable }: CliContext,
  change: (ports: readonly number[]) => number[],
  work: () => Promise<T>,
): Promise<T> {
  const { recordFirewallPorts } = await import("../install/firewall-record.ts");
  return recordFirewallPorts(executable, change, work);
}
