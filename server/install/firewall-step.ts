import { closeFirewall, openFirewall } from "../firewall/firewall.ts";
import type { FirewallOpening } from "../firewall/firewall-manager.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";
import { unmanaged } from "../firewall/firewall-report.ts";
import type { RunningStatus } from "../contract/server-status.ts";
import type { InstallOptions } from "./install-options.ts";
import type { Manifest, ManifestRecord } from "./manifest.ts";

export interface FirewallStepParts {
  readonly options: Pick<InstallOptions, "mode" | "openFirewall" | "run">;
  readonly record: ManifestRecord;
  /** As the installation was found. */
  readonly before: Manifest | undefined;
  /** Path of the release to install, which rules of some firewalls name. */
  readonly program: string;
  /** That of the release before. */
  readonly formerProgram: string | undefined;
}

/** What one run of an installation does to the host's firewall, on record in the manifest before it is done. */
export class FirewallStep {
  readonly #options: FirewallStepParts["options"];
  readonly #record: ManifestRecord;
  readonly #before: readonly number[];
  readonly #program: string;
  readonly #formerProgram: string | undefined;
  #changed = false;
  #opening: FirewallOpening | undefined;

  constructor({ options, record, before, program, formerProgram }: FirewallStepParts) {
    this.#options = options;
    this.#record = record;
    this.#before = before?.firewall.ports ?? [];
    this.#program = program;
    this.#formerProgram = formerProgram;
  }

  /** Whether {@link change} had to change anything. */
  get changed(): boolean {
    return this.#changed;
  }

  /** The rules are gone after a boot, unless each start of the server opens the ports again. */
  get keptByStart(): boolean {
    return this.#opening?.keptByStart ?? false;
  }

  /** Opens TCP `ports` and closes those that an earlier run opened and that are not among them. */
  async change(ports: readonly number[]): Promise<void> {
    const { run, mode, openFirewall: wanted } = this.#options;
    if (mode === "user") return;
    const { firewall } = this.#record.manifest;
    const open = wanted ?? firewall.open;
    const superfluous = firewall.ports.filter((port) => !open || !ports.includes(port));
    await this.#record.add({
      firewall: { open, ports: open ? [...new Set([...firewall.ports, ...ports])] : firewall.ports },
    });
    this.#opening = open ? await openFirewall(ports, run, this.#program) : undefined;
    const closed = superfluous.length > 0 && (await closeFirewall(superfluous, run, this.#program));
    await this.#record.add({ firewall: { open, ports: open ? ports : [] } });
    this.#changed = closed || (this.#opening?.changed ?? false);
  }

  /** Closes what only this run opened, and opens what only it closed, or opened for another release. */
  async restore(): Promise<void> {
    const { run } = this.#options;
    const program = this.#formerProgram ?? this.#program;
    const now = this.#record.manifest.firewall.ports;
    const opened = now.filter((port) => !this.#before.includes(port));
    if (opened.length > 0) await closeFirewall(opened, run, program);
    const isOfAnother = program !== this.#program;
    const closed = this.#before.filter((port) => isOfAnother || !now.includes(port));
    if (closed.length > 0) await openFirewall(closed, run, program);
  }

  report({ listeners }: RunningStatus): FirewallReport {
    if (this.#opening !== undefined) {
      const { report, keptByStart } = this.#opening;
      const note = "each start of the service opens them again";
      return keptByStart ? { ...report, message: `${report.message}; ${note}` } : report;
    }
    const serving = listeners.filter(({ state }) => state === "Listening").map(({ port }) => port);
    return this.#options.mode === "user"
      ? unmanaged("user mode changes no firewall", serving)
      : unmanaged("the firewall was left alone, as asked for", serving);
  }
}
