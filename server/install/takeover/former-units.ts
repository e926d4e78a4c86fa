import { readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ServerError } from "../../errors.ts";
import { isOurUnit, unitFile } from "../../init/systemd-unit.ts";
import { failureOf, type RunProgram } from "../../platform/run-program.ts";
import { packaged, startMs, stopMs } from "./former-program.ts";

/** A unit of systemd that runs the former server. */
export interface FormerUnit {
  readonly name: string;
  readonly active: boolean;
  /** Started at boot. */
  readonly enabled: boolean;
  /** It has the file that our own unit needs, and is moved to {@link movedUnitName} for that. */
  readonly moved: boolean;
}

/** Units by which distributions and manuals run it. */
const usualUnits = ["softether-vpnserver.service", "softethervpn-server.service", "vpnserver.service"];

/** Name of the former server's unit when it was moved out of the way of ours. */
export const movedUnitName = "softether-vpnserver-former.service";

const movedUnitFile = join(dirname(unitFile), movedUnitName);

/** The units of those names, and of the usual ones, that run the server whose configuration is in `folder`. */
export async function findFormerUnits(
  names: readonly string[],
  folder: string,
  run: RunProgram,
): Promise<FormerUnit[]> {
  const units = [];
  for (const name of new Set([...usualUnits, ...names])) {
    const unit = await examineUnit(name, folder, run);
    if (unit !== undefined) units.push(unit);
  }
  return units;
}

/** Stops the units, and keeps them from being started at the next boot. */
export async function stopFormerUnits(units: readonly FormerUnit[], run: RunProgram): Promise<void> {
  for (const { name, active, enabled, moved } of units) {
    if (active) await systemctl(run, stopMs, "stop", name);
    if (enabled) await systemctl(run, startMs, "disable", name);
    if (moved) {
      await rename(unitFile, movedUnitFile);
      await systemctl(run, startMs, "daemon-reload");
    }
  }
}

/** Makes what {@link stopFormerUnits} did undone, also if that broke off. */
export async function startFormerUnits(units: readonly FormerUnit[], run: RunProgram): Promise<void> {
  for (const { name, active, enabled, moved } of units) {
    if (moved && (await readText(movedUnitFile)) !== undefined) {
      await rename(movedUnitFile, unitFile);
      await systemctl(run, startMs, "daemon-reload");
    }
    if (enabled) await systemctl(run, startMs, "enable", name);
    if (active) await systemctl(run, startMs, "start", name);
  }
}

/** Undefined for a unit that is not there, is ours, is about something else, or does nothing. */
async function examineUnit(name: string, folder: string, run: RunProgram): Promise<FormerUnit | undefined> {
  const shown = await run("systemctl", ["cat", "--no-pager", name]);
  if (shown?.code !== 0 || isOurUnit(shown.stdout)) return undefined;
  // A script of /etc/init.d has a unit that only names it.
  const script = /^SourcePath=(.+)$/m.exec(shown.stdout)?.[1];
  const text = `${shown.stdout}\n${(script && (await readText(script))) ?? ""}`;
  if (!mentions(text, folder)) return undefined;
  const answer = async (...words: string[]) => (await run("systemctl", words))?.stdout.trim() ?? "";
  const active = /^(active|activating|reloading)$/.test(await answer("is-active", name));
  const enabled = /^(enabled|enabled-runtime|generated|linked)$/.test(await answer("is-enabled", name));
  const moved = (await answer("show", "--value", "-p", "FragmentPath", name)) === unitFile;
  return active || enabled || moved ? { name, active, enabled, moved } : undefined;
}

/** Whether a text names the folder, and not only one whose name begins so. */
function mentions(text: string, folder: string): boolean {
  const escaped = folder.replace(/[^\w/]/g, "\\$&");
  return (
    new RegExp(`${escaped}(?![\\w.-])`).test(text) ||
    (folder === packaged.folder && text.includes(packaged.executable))
  );
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function systemctl(run: RunProgram, timeoutMs: number, ...words: string[]): Promise<void> {
  const result = await run("systemctl", words, { timeoutMs });
  if (result?.code === 0) return;
  const why = result === undefined ? "there is no systemctl" : failureOf(result);
  throw new ServerError("FAILED", `"systemctl ${words.join(" ")}" failed: ${why}`);
}
