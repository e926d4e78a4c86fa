import { chown, mkdtemp, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { failureOf, type RunProgram } from "../platform/run-program.ts";
import {
  includesOwnRules,
  isMadeBy,
  ownRulesFile,
  ownRulesText,
  withInclude,
  withoutInclude,
} from "./nftables-file.ts";
import { isOfIptables, ownPorts, planOpening, type OpeningRule } from "./nftables-plan.ts";
import type { Ruleset } from "./ruleset.ts";

/** Where the rules of ours are kept so that they are there again after a boot. */
export type Keeping =
  /** In a file that the host's own configuration includes. */
  | { readonly kind: "file" }
  /** There is nothing to keep. */
  | { readonly kind: "nothing" }
  /** Nowhere; whoever starts the server has to open the ports again. */
  | { readonly kind: "nowhere"; readonly reason: string };

/**
 * Makes the host's nftables configuration keep exactly the rules of ours that are in the kernel, by an `include` line of
 * a file of our own; takes both away when there are none.
 */
export async function keepOwnRules(run: RunProgram, ruleset: Ruleset): Promise<Keeping> {
  const { rules } = planOpening(ruleset, ownPorts(ruleset));
  if (rules.length === 0) {
    await forgetOwnRules(run);
    return { kind: "nothing" };
  }
  const configuration = await loadedConfiguration(run);
  if (configuration === undefined) {
    await forgetOwnRules(run);
    return { kind: "nowhere", reason: "no nftables.service loads rules at boot" };
  }
  const text = await readFile(configuration, "utf8");
  const kept = rules.filter((rule) => !isOfIptables(rule) && isMadeBy(withoutInclude(text), rule));
  if (kept.length > 0) {
    const problem = await include(run, configuration, text, kept);
    if (problem !== undefined) return { kind: "nowhere", reason: problem };
  } else {
    await forgetOwnRules(run);
  }
  return kept.length === rules.length
    ? { kind: "file" }
    : { kind: "nowhere", reason: `${configuration} does not make every chain that filters` };
}

/** Returns the problem when the host's configuration would not load any more, and leaves it as it was. */
async function include(
  run: RunProgram,
  configuration: string,
  text: string,
  rules: readonly OpeningRule[],
): Promise<string | undefined> {
  await writeIfDifferent(ownRulesFile, ownRulesText(rules));
  if (includesOwnRules(text)) return undefined;
  const changed = withInclude(text);
  const problem = await problemOfLoading(run, changed);
  if (problem !== undefined) {
    await rm(ownRulesFile, { force: true });
    return `${configuration} could not be extended: ${problem}`;
  }
  await replaceKeepingOwner(configuration, changed);
  return undefined;
}

async function problemOfLoading(run: RunProgram, configuration: string): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "vpnserver-"));
  try {
    const file = join(directory, "nftables.conf");
    await writeFile(file, configuration, { mode: 0o600 });
    const check = await run("nft", ["--check", "--file", file]);
    if (check === undefined) return "nft is gone";
    return check.code === 0 ? undefined : failureOf(check).split("\n")[0];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function forgetOwnRules(run: RunProgram): Promise<void> {
  const configurations = new Set([await loadedConfiguration(run), await existing("/etc/nftables.conf")]);
  for (const configuration of configurations) {
    if (configuration === undefined) continue;
    const text = await readFile(configuration, "utf8");
    if (includesOwnRules(text)) await replaceKeepingOwner(configuration, withoutInclude(text));
  }
  await rm(ownRulesFile, { force: true });
}

/** The file that nftables.service loads at boot; `undefined` when it is not enabled. */
async function loadedConfiguration(run: RunProgram): Promise<string | undefined> {
  const unit = await run("systemctl", ["show", "nftables.service", "-p", "UnitFileState", "-p", "ExecStart"]);
  if (unit?.code !== 0 || !/^UnitFileState=enabled$/m.test(unit.stdout)) return undefined;
  const path = /argv\[\]=\S*nft (?:-f|--file) (\/\S+)/.exec(unit.stdout)?.[1];
  return path && (await existing(path));
}

/** The file itself, where `path` is a link to it. */
async function existing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeIfDifferent(path: string, text: string): Promise<void> {
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present !== text) await writeFileAtomically(path, text, { mode: 0o644 });
}

async function replaceKeepingOwner(path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(path);
  await writeFileAtomically(path, text, { mode: mode & 0o7777 });
  await chown(path, uid, gid);
}
