import { ServerError } from "../errors.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import type { NftCommand } from "./nftables-plan.ts";
import { parseRuleset, type Ruleset } from "./ruleset.ts";

/** What the kernel filters, or why that cannot be read. */
export type RulesetReading =
  | { readonly kind: "read"; readonly ruleset: Ruleset }
  | { readonly kind: "no nft" }
  | { readonly kind: "failed"; readonly reason: string };

export function readRuleset(run: RunProgram): Promise<RulesetReading> {
  return readListed(run, "ruleset");
}

/** The same without rules and sets, of which a host may have megabytes. */
export function readChains(run: RunProgram): Promise<RulesetReading> {
  return readListed(run, "chains");
}

async function readListed(run: RunProgram, what: "ruleset" | "chains"): Promise<RulesetReading> {
  const result = await run("nft", ["-j", "list", what]);
  if (result === undefined) return { kind: "no nft" };
  if (result.code !== 0) return { kind: "failed", reason: failureOf(result) };
  return { kind: "read", ruleset: parseRuleset(result.stdout) };
}

/**
 * Runs the commands as one transaction: all of them, or none.
 *
 * @throws {ServerError} FAILED with what nft says
 */
export async function changeRuleset(run: RunProgram, commands: readonly NftCommand[]): Promise<void> {
  if (commands.length === 0) return;
  const result = await run("nft", ["-j", JSON.stringify({ nftables: commands })]);
  if (result?.code !== 0) {
    const why = result === undefined ? "nft is gone" : failureOf(result);
    throw new ServerError("FAILED", `nft did not change the firewall's rules: ${why}`);
  }
}
