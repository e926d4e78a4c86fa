import { ServerError } from "../errors.ts";

/** A statement of a rule as `nft -j` prints it: an object with one key, such as `{ "accept": null }`. */
export type Statement = Readonly<Record<string, unknown>>;

/** Where a chain is: family (`inet`, `ip`, `ip6`, ...), table and name. */
export interface ChainName {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}

export interface Rule extends ChainName {
  readonly handle: number;
  readonly comment: string | undefined;
  readonly statements: readonly Statement[];
}

export interface Chain extends ChainName {
  /** Set for base chains: where in the kernel packets enter it, such as `input`. */
  readonly hook: string | undefined;
  /** Set for base chains: `filter`, `nat` or `route`. */
  readonly type: string | undefined;
  /** What befalls a packet at the end of a base chain. */
  readonly policy: "accept" | "drop" | undefined;
  readonly rules: readonly Rule[];
}

/** Chains with their rules, in the order in which packets meet them. */
export interface Ruleset {
  readonly chains: readonly Chain[];
}

/**
 * Reads the output of `nft -j list ruleset` (libnftables-json(5)); what it does not know of it is left out.
 *
 * @throws {ServerError} UNSUPPORTED when it is not such output
 */
export function parseRuleset(json: string): Ruleset {
  let objects: unknown;
  try {
    objects = (JSON.parse(json) as { nftables?: unknown } | null)?.nftables;
  } catch (error) {
    throw unreadable(`it is not JSON (${(error as Error).message})`);
  }
  if (!Array.isArray(objects)) throw unreadable("it has no list `nftables`");
  const rules: Rule[] = [];
  const chains: Omit<Chain, "rules">[] = [];
  for (const object of objects as unknown[]) {
    if (!isRecord(object)) continue;
    const { chain, rule } = object;
    if (isRecord(chain)) {
      chains.push({
        family: text(chain["family"], "a chain's family"),
        table: text(chain["table"], "a chain's table"),
        chain: text(chain["name"], "a chain's name"),
        hook: optionalText(chain["hook"]),
        type: optionalText(chain["type"]),
        policy: chain["policy"] === "drop" ? "drop" : chain["policy"] === "accept" ? "accept" : undefined,
      });
    }
    if (isRecord(rule)) {
      if (typeof rule["handle"] !== "number") throw unreadable("a rule has no handle");
      const statements = Array.isArray(rule["expr"]) ? (rule["expr"] as unknown[]) : [];
      rules.push({
        family: text(rule["family"], "a rule's family"),
        table: text(rule["table"], "a rule's table"),
        chain: text(rule["chain"], "a rule's chain"),
        handle: rule["handle"],
        comment: optionalText(rule["comment"]),
        statements: statements.filter(isRecord),
      });
    }
  }
  return {
    chains: chains.map((chain) => ({ ...chain, rules: rules.filter((rule) => isIn(rule, chain)) })),
  };
}

export function isIn(rule: ChainName, chain: ChainName): boolean {
  return rule.family === chain.family && rule.table === chain.table && rule.chain === chain.chain;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw unreadable(`${what} is missing`);
  return value;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function unreadable(why: string): ServerError {
  return new ServerError("UNSUPPORTED", `the output of "nft -j list ruleset" cannot be understood: ${why}`);
}
