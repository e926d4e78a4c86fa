import { fateOfConnection } from "./connection-fate.ts";
import {
  isIn,
  isRecord,
  type Chain,
  type ChainName,
  type Rule,
  type Ruleset,
  type Statement,
} from "./ruleset.ts";

/** The comment by which a rule of ours is known; a rule without it is never touched. */
export const ownComment = "vpnserver";

/** A rule that lets TCP connections to a port pass. */
export interface OpeningRule extends ChainName {
  readonly port: number;
  /**
   * `end`: after everything else, where only the chain's policy stops the port, so that every rule of the administrator
   * still comes first; `top`: before everything, where a rule stops it.
   */
  readonly place: "top" | "end";
}

/** One command of libnftables-json(5). */
export type NftCommand = Readonly<Record<string, unknown>>;

export interface OpeningPlan {
  /** Every rule that the ports need, those that are there already among them. */
  readonly rules: readonly OpeningRule[];
  /** What has to be done for them; empty when all are there. To be run as one transaction. */
  readonly commands: readonly NftCommand[];
}

/**
 * What opens TCP `ports` for other hosts: a rule in every chain of the input hook that would stop them. A port that the
 * administrator opened, and a chain that stops nothing, need none. Rules of ours that came to stand behind one that stops
 * the port are put in front of it.
 */
export function planOpening(ruleset: Ruleset, ports: readonly number[]): OpeningPlan {
  const rules: OpeningRule[] = [];
  const commands: NftCommand[] = [];
  const foreign = withoutOwnRules(ruleset);
  for (const chain of inputChains(ruleset)) {
    const foreignChain = foreign.chains.find((each) => isIn(each, chain));
    if (foreignChain === undefined) continue;
    for (const port of ports) {
      if (fateOfConnection(foreign, foreignChain, port) !== "stopped") continue;
      const { family, table, chain: name } = chain;
      const place = isReached(foreign, foreignChain, port) ? "end" : "top";
      rules.push({ family, table, chain: name, port, place });
      if (fateOfConnection(ruleset, chain, port) === "accepted") continue;
      commands.push(...ownRules(chain, [port]).map(deletion), addition(chain, port, place));
    }
  }
  return { rules, commands };
}

/** What takes away the rules of ours, for the given ports or for all. */
export function planClosing(ruleset: Ruleset, ports?: readonly number[]): NftCommand[] {
  return ruleset.chains.flatMap((chain) => ownRules(chain, ports).map(deletion));
}

/** The ports that rules of ours open, in ascending order. */
export function ownPorts(ruleset: Ruleset): number[] {
  const ports = ruleset.chains.flatMap((chain) => chain.rules.map(portOfOwnRule));
  return [...new Set(ports.filter((port) => port !== undefined))].sort((a, b) => a - b);
}

/** The ports of `ports` that nothing in the ruleset stops. */
export function openPorts(ruleset: Ruleset, ports: readonly number[]): number[] {
  const chains = inputChains(ruleset);
  return ports.filter((port) =>
    chains.every((chain) => fateOfConnection(ruleset, chain, port) !== "stopped"),
  );
}

/** Whether `chain` belongs to iptables, which makes it itself and has its own ways to keep rules. */
export function isOfIptables({ family, table, chain }: ChainName): boolean {
  return (family === "ip" || family === "ip6") && table === "filter" && chain === "INPUT";
}

/** The base chains that every connection to this host passes, one after the other. */
function inputChains(ruleset: Ruleset): readonly Chain[] {
  return ruleset.chains.filter(
    ({ hook, type, family }) =>
      hook === "input" && type === "filter" && ["inet", "ip", "ip6"].includes(family),
  );
}

function withoutOwnRules(ruleset: Ruleset): Ruleset {
  return {
    chains: ruleset.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.filter((rule) => portOfOwnRule(rule) === undefined),
    })),
  };
}

function ownRules(chain: Chain, ports: readonly number[] | undefined): Rule[] {
  return chain.rules.filter((rule) => {
    const port = portOfOwnRule(rule);
    return port !== undefined && (ports === undefined || ports.includes(port));
  });
}

/** The port that a rule of ours opens; `undefined` for every rule that is not exactly as ours, whatever its comment. */
function portOfOwnRule({ comment, statements }: Rule): number | undefined {
  const [first, second] = statements;
  if (comment !== ownComment || statements.length !== 2 || !second || !("accept" in second)) return undefined;
  const match = first?.["match"];
  if (!isRecord(match) || match["op"] !== "==" || typeof match["right"] !== "number") return undefined;
  const payload = isRecord(match["left"]) ? match["left"]["payload"] : undefined;
  const isPort = isRecord(payload) && payload["protocol"] === "tcp" && payload["field"] === "dport";
  return isPort ? match["right"] : undefined;
}

/** Whether a rule at the end of `chain` would let the port pass. */
function isReached(ruleset: Ruleset, chain: Chain, port: number): boolean {
  const { family, table, chain: name, rules } = chain;
  const last = { family, table, chain: name, handle: 0, comment: ownComment, statements: opening(port) };
  return fateOfConnection(ruleset, { ...chain, rules: [...rules, last] }, port) === "accepted";
}

function opening(port: number): Statement[] {
  const left = { payload: { protocol: "tcp", field: "dport" } };
  return [{ match: { op: "==", left, right: port } }, { accept: null }];
}

function addition({ family, table, chain }: ChainName, port: number, place: "top" | "end"): NftCommand {
  const rule = { rule: { family, table, chain, comment: ownComment, expr: opening(port) } };
  return place === "top" ? { insert: rule } : { add: rule };
}

function deletion({ family, table, chain, handle }: Rule): NftCommand {
  return { delete: { rule: { family, table, chain, handle } } };
}
