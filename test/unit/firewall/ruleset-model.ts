import type { NftCommand } from "../../../server/firewall/nftables-plan.ts";
import {
  isIn,
  type ChainName,
  type Rule,
  type Ruleset,
  type Statement,
} from "../../../server/firewall/ruleset.ts";

interface RuleObject extends ChainName {
  readonly handle?: number;
  readonly comment?: string;
  readonly expr?: readonly Statement[];
}

/** What the kernel makes of a transaction of nft, as far as plans use it. */
export function afterCommands(ruleset: Ruleset, commands: readonly NftCommand[]): Ruleset {
  let nextHandle =
    1 + Math.max(0, ...ruleset.chains.flatMap(({ rules }) => rules.map(({ handle }) => handle)));
  let chains = ruleset.chains;
  for (const command of commands) {
    const [[verb, { rule }]] = Object.entries(command) as [[string, { rule: RuleObject }]];
    let applied = false;
    chains = chains.map((chain) => {
      if (!isIn(rule, chain)) return chain;
      applied = true;
      if (verb === "delete") {
        const rules = chain.rules.filter(({ handle }) => handle !== rule.handle);
        if (rules.length !== chain.rules.length - 1) throw new Error(`no rule ${rule.handle}`);
        return { ...chain, rules };
      }
      const { family, table, chain: name } = chain;
      const made: Rule = {
        family,
        table,
        chain: name,
        handle: nextHandle++,
        comment: rule.comment,
        statements: rule.expr ?? [],
      };
      return { ...chain, rules: verb === "insert" ? [made, ...chain.rules] : [...chain.rules, made] };
    });
    if (!applied) throw new Error(`no chain ${rule.family} ${rule.table} ${rule.chain}`);
  }
  return { chains };
}
