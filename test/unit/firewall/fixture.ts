import { readFileSync } from "node:fs";
import { parseRuleset, type Ruleset } from "../../../server/firewall/ruleset.ts";

/**
 * A ruleset as `nft -j list ruleset` (nftables 1.0.6) printed it on a host with the rules of `fixtures/NAME.nft`, or, for
 * `ufw`, with ufw 0.36.2 after `ufw allow 22/tcp && ufw enable`.
 */
export function capturedRuleset(name: string): Ruleset {
  return parseRuleset(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
}

export const capturedRulesets = [
  "debian-default",
  "policy-drop",
  "last-rule-rejects",
  "many-chains",
  "docker",
  "ufw",
] as const;
