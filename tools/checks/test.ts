import { join } from "node:path";
import { buildAll } from "../build/build.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { platforms } from "../build/platforms.ts";
import { ensureDebianPackages } from "../setup/debian-packages.ts";
import { ensureToolchain } from "../setup/toolchain.ts";
import { lint } from "./lint.ts";
import { runGroup } from "./run-group.ts";
import { filesOf, filesWithoutGroup, groupNamed, testGroups, type TestGroupName } from "./test-groups.ts";

const root = join(import.meta.dirname, "..", "..");
const allGroups = Object.keys(testGroups) as TestGroupName[];

const usage = `usage: npm test [-- GROUP...]

Without a group: set-up, lint, build and every group of tests. With groups: those alone, and what they need.

${allGroups.map((name) => `  ${name.padEnd(12)} ${groupNamed(name).about}${groupNamed(name).needsRoot ? " (root)" : ""}`).join("\n")}
  lint         types, rules, format, layers, unused code`;

/** A part of the run, for the summary at its end. */
interface Part {
  readonly name: string;
  readonly seconds: number;
  readonly ok: boolean;
  readonly note: string;
}

const parts: Part[] = [];

async function main(): Promise<boolean> {
  const chosen = process.argv.slice(2);
  if (chosen.includes("--help") || chosen.includes("-h")) {
    console.log(usage);
    return true;
  }
  const { groups, withLint } = choose(chosen);
  refuseWithoutRoot(groups);
  // Before the first long step, so that a suite that has moved is told at once.
  for (const name of groups) filesOf(name, root);
  const orphans = filesWithoutGroup(root);
  if (orphans.length > 0)
    throw new Error(`these tests are in no group and would not run: ${orphans.join(", ")}`);

  let ready = await part("set-up", () => setUp(groups));
  if (withLint) await part("lint", async () => ({ ok: await lint() }));
  if (ready && groups.some((name) => groupNamed(name).needsBuild)) ready = await part("build", build);
  for (const name of groups) {
    const { needsToolchain, needsBuild } = groupNamed(name);
    if (!ready && (needsToolchain || needsBuild)) {
      parts.push({ name, seconds: 0, ok: false, note: "not run: what it needs is missing" });
      continue;
    }
    await part(name, async () => {
      const { ok, passed, failed, skipped } = await runGroup(name, root);
      return { ok, note: `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}` };
    });
  }
  return summarize();
}

function choose(chosen: readonly string[]): { groups: TestGroupName[]; withLint: boolean } {
  const unknown = chosen.filter((name) => name !== "lint" && !Object.hasOwn(testGroups, name));
  if (unknown.length > 0) throw new Error(`there is no group ${unknown.join(", ")}\n\n${usage}`);
  if (chosen.length === 0) return { groups: allGroups, withLint: true };
  return { groups: allGroups.filter((name) => chosen.includes(name)), withLint: chosen.includes("lint") };
}

function refuseWithoutRoot(groups: readonly TestGroupName[]): void {
  if (process.getuid?.() === 0) return;
  const refused = groups.filter((name) => groupNamed(name).needsRoot !== undefined);
  if (refused.length === 0) return;
  const others = allGroups.filter((name) => groupNamed(name).needsRoot === undefined);
  throw new Error(
    `these tests need root, and would be left out:\n` +
      refused
        .map((name) => `  ${name.padEnd(12)} ${groupNamed(name).about}: ${groupNamed(name).needsRoot}\n`)
        .join("") +
      `Run all of them as root, for example in a container, or those that need no root alone: ` +
      `npm test -- lint ${others.join(" ")}`,
  );
}

async function setUp(groups: readonly TestGroupName[]): Promise<{ ok: true; note?: string }> {
  const log = (line: string) => console.log(`setup: ${line}`);
  const packages = [...new Set(groups.flatMap((name) => groupNamed(name).packages))].sort();
  if (packages.length > 0) await ensureDebianPackages(packages, { purpose: "the tests", log });
  if (!groups.some((name) => groupNamed(name).needsToolchain)) return { ok: true };
  const { languageHost, commandPlugin } = await ensureToolchain({
    yaml: true,
    python: groups.some((name) => name === "e2e" || name === "conformance"),
    log,
  });
  return { ok: true, note: `language host: ${languageHost.kind}, command plugin: ${commandPlugin.kind}` };
}

async function build(): Promise<{ ok: true }> {
  await buildAll({
    root,
    cacheDirectory: defaultCacheDirectory(),
    platforms,
    library: true,
    log: (line) => console.log(`build: ${line}`),
  });
  return { ok: true };
}

/** Runs a part, keeps its time for the summary, and goes on with the others when it fails. */
async function part(name: string, work: () => Promise<{ ok: boolean; note?: string }>): Promise<boolean> {
  console.log(`\n== ${name}`);
  const begin = performance.now();
  let result: { ok: boolean; note?: string };
  try {
    result = await work();
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    result = { ok: false };
  }
  const seconds = (performance.now() - begin) / 1000;
  parts.push({ name, seconds, ok: result.ok, note: result.note ?? "" });
  return result.ok;
}

function summarize(): boolean {
  const nodeModules = Number(process.env["VPNSERVER_BOOTSTRAP_MS"] ?? 0) / 1000;
  console.log("\n== summary");
  if (nodeModules > 0) console.log(`  ${"node modules".padEnd(13)} ${time(nodeModules)} s`);
  for (const { name, seconds, ok, note } of parts) {
    console.log(`  ${name.padEnd(13)} ${time(seconds)} s  ${ok ? "ok    " : "FAILED"} ${note}`.trimEnd());
  }
  const setUpSeconds = nodeModules + (parts.find(({ name }) => name === "set-up")?.seconds ?? 0);
  const total = nodeModules + parts.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`  ${"total".padEnd(13)} ${time(total)} s, of it set-up ${setUpSeconds.toFixed(1)} s`);
  const failed = parts.filter(({ ok }) => !ok).map(({ name }) => name);
  console.log(failed.length === 0 ? "\neverything passed" : `\nfailed: ${failed.join(", ")}`);
  return failed.length === 0;
}

function time(seconds: number): string {
  return seconds.toFixed(1).padStart(7);
}

main().then(
  (ok) => (process.exitCode = ok ? 0 : 1),
  (error: unknown) => {
    console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
