import { applies, contains, factsAbout, type Applies } from "./connection-match.ts";
import { isRecord, type Chain, type Ruleset, type Statement } from "./ruleset.ts";

/**
 * What a base chain does to a new TCP connection from another host to a port:
 *
 * - `accepted`: a rule lets it pass;
 * - `passed`: nothing stops it;
 * - `stopped`: the policy or a rule stops it, or may do so.
 */
export type Fate = "accepted" | "passed" | "stopped";

/**
 * Follows such a connection through the base chain `chain`. Where a condition's outcome cannot be known, such as that of
 * an interface's name, the connection counts as stopped if a rule might stop it. Rules against named peers and floods
 * (bans, rate limits) do not count: they stop few, and shall go on to do so.
 */
export function fateOfConnection(ruleset: Ruleset, chain: Chain, port: number): Fate {
  const outcome = follow(ruleset, chain, port, []);
  if (outcome === "accepted" || outcome === "stopped") return outcome;
  return chain.policy === "drop" ? "stopped" : "passed";
}

/** `ended` leaves it to the base chain's policy, `returned` goes on after the jump. */
type Outcome = "accepted" | "stopped" | "ended" | "returned";

function follow(ruleset: Ruleset, chain: Chain, port: number, way: readonly Chain[]): Outcome {
  for (const { statements } of chain.rules) {
    const condition = applies(statements, port);
    if (condition === "never") continue;
    for (const verdict of verdictsOf(statements, port)) {
      const outcome = outcomeOf(ruleset, chain, port, way, verdict, condition);
      if (outcome !== undefined) return outcome;
    }
  }
  return "returned";
}

/** `undefined` when the connection goes on to the next rule, or may do so. */
function outcomeOf(
  ruleset: Ruleset,
  chain: Chain,
  port: number,
  way: readonly Chain[],
  verdict: Verdict,
  condition: Applies,
): Outcome | undefined {
  const { statement } = verdict;
  const certain = condition === "always" && verdict.certain;
  const stopped = condition === "exception" ? undefined : "stopped";
  if ("drop" in statement || "reject" in statement) return stopped;
  // A program that is asked decides; no rule after it is met.
  if ("accept" in statement || "queue" in statement) return certain ? "accepted" : undefined;
  if ("return" in statement) return certain ? "returned" : undefined;
  const name = targetOf(statement);
  const target = ruleset.chains.find(
    (each) => each.family === chain.family && each.table === chain.table && each.chain === name,
  );
  // The kernel admits no loops; a list that was put together wrongly must not make one here.
  if (target === undefined || target === chain || way.includes(target)) return undefined;
  const outcome = follow(ruleset, target, port, [...way, chain]);
  if (outcome === "stopped") return stopped;
  if (!certain) return undefined;
  if (outcome === "returned") return "goto" in statement ? "ended" : undefined;
  return outcome;
}

interface Verdict {
  readonly statement: Statement;
  /** Whether the connection surely gets it, if the rule applies. */
  readonly certain: boolean;
}

const verdictNames = ["accept", "drop", "reject", "queue", "return", "jump", "goto"];

function verdictsOf(statements: readonly Statement[], port: number): Verdict[] {
  return statements.flatMap((statement): Verdict[] => {
    if (verdictNames.some((name) => name in statement)) return [{ statement, certain: true }];
    const { vmap, xt } = statement;
    if (isRecord(vmap)) return mappedVerdicts(vmap, port);
    // What iptables adds and nft has no words for.
    const rejects = isRecord(xt) && xt["type"] === "target" && xt["name"] === "REJECT";
    return rejects ? [{ statement: { reject: null }, certain: true }] : [];
  });
}

/** `tcp dport vmap { 22 : accept, 443 : drop }`. */
function mappedVerdicts(vmap: Readonly<Record<string, unknown>>, port: number): Verdict[] {
  const facts = factsAbout(vmap["key"], port);
  if (facts === "other protocol" || facts === "peer") return [];
  const elements = isRecord(vmap["data"]) ? vmap["data"]["set"] : undefined;
  // A named map, whose elements change without its rule.
  if (!Array.isArray(elements)) return [{ statement: { drop: null }, certain: false }];
  return elements.flatMap((element: unknown): Verdict[] => {
    if (!Array.isArray(element) || !isRecord(element[1])) return [];
    const held = facts === undefined ? undefined : contains(element[0], facts);
    return held === false ? [] : [{ statement: element[1], certain: held === true }];
  });
}

function targetOf(statement: Statement): unknown {
  const jump = statement["jump"] ?? statement["goto"];
  return isRecord(jump) ? jump["target"] : undefined;
}
