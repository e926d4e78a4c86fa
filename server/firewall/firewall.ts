import { readFile } from "node:fs/promises";
import { ServerError } from "../errors.ts";
import { failureOf, type ProgramResult, type RunProgram } from "../platform/run-program.ts";
import { changeRuleset, keepOwnRules, readRuleset, type Keeping } from "./nftables.ts";
import { openPorts, ownPorts, planClosing, planOpening } from "./nftables-plan.ts";
import type { Ruleset } from "./ruleset.ts";
import { isActive, planUfwClosing, planUfwOpening, portInRules, type UfwCommand } from "./ufw-plan.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";

export interface FirewallOpening {
  readonly report: FirewallReport;
  readonly changed: boolean;
  /** The rules that were added are gone after a boot, unless the one who starts the server opens the ports again. */
  readonly keptByStart: boolean;
}

/**
 * Opens TCP `ports` for other hosts, additively and for good, in ufw or nftables, whichever rules this host. Ports that
 * are open stay as they are.
 *
 * @throws {ServerError} when the firewall is there and refuses the change
 */
export async function openFirewall(ports: readonly number[], run: RunProgram): Promise<FirewallOpening> {
  const firewall = await findFirewall(run);
  switch (firewall.kind) {
    case "ufw": {
      const commands = planUfwOpening(firewall.added, ports);
      await runUfw(run, commands);
      const report = ufwReport(ports, await addedRules(run), await otherFilters(run, ports));
      return { report, changed: commands.length > 0, keptByStart: false };
    }
    case "nftables": {
      const { rules, commands } = planOpening(firewall.ruleset, ports);
      await changeRuleset(run, commands);
      const ruleset = commands.length === 0 ? firewall.ruleset : await rereadRuleset(run);
      const keeping = await keepOwnRules(run, ruleset);
      const report = nftablesReport(ports, ruleset, rules.length > 0);
      return {
        report: rules.length > 0 ? { ...report, message: report.message + keepingNote(keeping) } : report,
        changed: commands.length > 0,
        keptByStart: rules.length > 0 && keeping.kind === "nowhere",
      };
    }
    case "unmanaged":
      return { report: unmanaged(firewall.reason, ports), changed: false, keptByStart: false };
  }
}

/**
 * Takes away the rules of ours, for the given ports or for all, from wherever they are. No other rule is touched.
 *
 * @returns whether there were any
 */
export async function closeFirewall(ports: readonly number[] | undefined, run: RunProgram): Promise<boolean> {
  let changed = false;
  // Also where ufw is switched off: its rules wait for it to be switched on.
  if ((await ufw(run, ["status"])) !== undefined) {
    const commands = planUfwClosing(await addedRules(run), ports);
    await runUfw(run, commands);
    changed ||= commands.length > 0;
  }
  const reading = await readRuleset(run);
  if (reading.kind === "read") {
    const commands = planClosing(reading.ruleset, ports);
    await changeRuleset(run, commands);
    await keepOwnRules(run, await rereadRuleset(run));
    changed ||= commands.length > 0;
  }
  return changed;
}

/** What the firewall does to TCP `ports`, and whether that is our doing. */
export async function showFirewall(ports: readonly number[], run: RunProgram): Promise<FirewallReport> {
  const firewall = await findFirewall(run);
  switch (firewall.kind) {
    case "ufw":
      return ufwReport(ports, firewall.added, await otherFilters(run, ports));
    case "nftables":
      return nftablesReport(ports, firewall.ruleset, planOpening(firewall.ruleset, ports).rules.length > 0);
    case "unmanaged":
      return unmanaged(firewall.reason, ports);
  }
}

/** What is said where the firewall is left alone. */
export function unmanaged(reason: string, ports: readonly number[]): FirewallReport {
  const message = `${reason}: where connections are filtered, an administrator has to open ${portList(ports)}`;
  return { manager: "unmanaged", ports: [], message };
}

type Firewall =
  | { readonly kind: "ufw"; readonly added: string }
  | { readonly kind: "nftables"; readonly ruleset: Ruleset }
  | { readonly kind: "unmanaged"; readonly reason: string };

async function findFirewall(run: RunProgram): Promise<Firewall> {
  const status = await ufw(run, ["status"]);
  if (status !== undefined && isActive(status)) return { kind: "ufw", added: await addedRules(run) };
  const reading = await readRuleset(run);
  if (reading.kind === "failed") {
    return { kind: "unmanaged", reason: `the firewall's rules cannot be read (${reading.reason})` };
  }
  if (await iptablesStops(run, reading.kind === "no nft")) {
    return { kind: "unmanaged", reason: "iptables rules this host, which is not changed" };
  }
  if (reading.kind === "no nft") return { kind: "nftables", ruleset: { chains: [] } };
  if (reading.ruleset.chains.some(({ table }) => table === "firewalld")) {
    return { kind: "unmanaged", reason: "firewalld rules this host, which is not changed" };
  }
  return { kind: "nftables", ruleset: reading.ruleset };
}

/**
 * Whether rules of iptables stop connections where nft does not show them: in the kernel's old tables, or because there
 * is no nft.
 */
async function iptablesStops(run: RunProgram, withoutNft: boolean): Promise<boolean> {
  const oldTables = await readFile("/proc/net/ip_tables_names", "utf8").catch(() => "");
  const programs = [
    ...(/^filter$/m.test(oldTables) ? ["iptables-legacy"] : []),
    ...(withoutNft ? ["iptables"] : []),
  ];
  for (const program of programs) {
    const result = await run(program, ["-S", "INPUT"]);
    if (result?.code === 0 && /^-P INPUT DROP$| -j (?:DROP|REJECT)\b/m.test(result.stdout)) return true;
  }
  return false;
}

const nothingAskedFor = "no port was asked for";

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
    message: sentences.filter(Boolean).join("; ") || nothingAskedFor,
  };
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

async function rereadRuleset(run: RunProgram): Promise<Ruleset> {
  const reading = await readRuleset(run);
  if (reading.kind === "read") return reading.ruleset;
  throw new ServerError("FAILED", "the firewall's rules can no longer be read");
}

async function addedRules(run: RunProgram): Promise<string> {
  return (await ufw(run, ["show", "added"])) ?? "";
}

async function runUfw(run: RunProgram, commands: readonly UfwCommand[]): Promise<void> {
  for (const command of commands) await ufw(run, command);
}

/** Output of ufw; `undefined` when this host has none. */
async function ufw(run: RunProgram, command: UfwCommand): Promise<string | undefined> {
  const result: ProgramResult | undefined = await run("ufw", command);
  if (result === undefined) return undefined;
  if (result.code !== 0) {
    throw new ServerError("FAILED", `"ufw ${command.join(" ")}" failed: ${failureOf(result)}`);
  }
  return result.stdout;
}

/** `TCP 443, 992 and 5555`. */
export function portList(ports: readonly number[]): string {
  const texts = ports.map(String);
  const last = texts.pop();
  return `TCP ${texts.length === 0 ? (last ?? "(no port)") : `${texts.join(", ")} and ${last}`}`;
}
