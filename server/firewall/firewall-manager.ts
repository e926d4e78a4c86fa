import type { RunProgram } from "../platform/run-program.ts";
import type { FirewallReport } from "../contract/firewall-report.ts";
import { unmanaged } from "./firewall-report.ts";

/** A kind of firewall. */
export interface FirewallManager {
  /**
   * The host's firewall where it is of this kind; `undefined` where another one has to be asked.
   *
   * @param program path of the executable whose ports are opened, this one by default; for a firewall whose rules name one
   */
  find(run: RunProgram, program?: string): Promise<Firewall | undefined>;
  /**
   * Takes away the rules of ours, for the given ports or for all, also where this kind is not at work at present. No other
   * rule is touched.
   *
   * @param program as for {@link find}: of the rule that is left
   * @returns whether there were any
   * @throws {ServerError} when it is there and refuses the change
   */
  close(ports: readonly number[] | undefined, run: RunProgram, program?: string): Promise<boolean>;
}

/** What decides which connections reach a host. */
export interface Firewall {
  /**
   * Opens TCP `ports` for other hosts, additively and for good. Ports that are open stay as they are.
   *
   * @throws {ServerError} when it refuses the change
   */
  open(ports: readonly number[]): Promise<FirewallOpening>;
  /** What it does to TCP `ports`, and whether that is our doing. */
  show(ports: readonly number[]): Promise<FirewallReport>;
}

export interface FirewallOpening {
  readonly report: FirewallReport;
  readonly changed: boolean;
  /** The rules that were added are gone after a boot, unless the one who starts the server opens the ports again. */
  readonly keptByStart: boolean;
}

/** A firewall that is left to an administrator. */
export function leftAlone(reason: string): Firewall {
  return {
    open: async (ports) => ({ report: unmanaged(reason, ports), changed: false, keptByStart: false }),
    show: async (ports) => unmanaged(reason, ports),
  };
}
