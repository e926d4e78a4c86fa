import { serviceStates } from "../native/windows/service-manager.ts";
import type { StatusReport } from "../native/windows/service-process.ts";
import { windowsErrors } from "../native/windows/windows-error.ts";

/** How often something that lasts is told to go on, and how long Windows is to wait for the next word of it. */
export const pendingTimes = { everyMs: 1_000, waitHintMs: 10_000 } as const;

/** `SERVICE_ACCEPT_…` of a service that runs. */
const acceptStop = 0x1;
const acceptShutdown = 0x4;
const acceptPreshutdown = 0x100;

export interface ServiceReportsOptions {
  readonly report: (status: StatusReport) => void;
  /** Calls back once after a delay, unless the returned function is called before. */
  readonly schedule: (callback: () => void, delayMs: number) => () => void;
}

/**
 * What a service tells Windows of itself.
 *
 *     START_PENDING --running()--> RUNNING --stopping()--> STOP_PENDING --stopped()--> STOPPED
 *           |  |                                                ^              ^
 *           |  +-----------------stopping()---------------------+              |
 *           +--------------------stopped(): it could not start-----------------+
 *
 * While it is pending, a check point that grows says that it goes on. What would lead back is left out.
 */
export class ServiceReports {
  readonly #options: ServiceReportsOptions;
  #state: "START_PENDING" | "RUNNING" | "STOP_PENDING" | "STOPPED" = "START_PENDING";
  #checkPoint = 0;
  #cancel: () => void = () => {};

  constructor(options: ServiceReportsOptions) {
    this.#options = options;
    this.#pending();
  }

  running(): void {
    if (this.#state !== "START_PENDING") return;
    this.#change("RUNNING");
    this.#tell({ controlsAccepted: acceptStop | acceptShutdown | acceptPreshutdown });
  }

  stopping(): void {
    if (this.#state === "STOP_PENDING" || this.#state === "STOPPED") return;
    this.#change("STOP_PENDING");
    this.#pending();
  }

  /** @param exitCode of the command line; Windows restarts the service unless it is 0 */
  stopped(exitCode: number): void {
    if (this.#state === "STOPPED") return;
    this.#change("STOPPED");
    if (exitCode === 0) this.#tell({});
    else this.#tell({ exitCode: windowsErrors.serviceSpecificError, specificExitCode: exitCode });
  }

  #change(state: "RUNNING" | "STOP_PENDING" | "STOPPED"): void {
    this.#cancel();
    this.#state = state;
    this.#checkPoint = 0;
  }

  #pending(): void {
    this.#checkPoint++;
    this.#tell({ checkPoint: this.#checkPoint, waitHintMs: pendingTimes.waitHintMs });
    this.#cancel = this.#options.schedule(() => this.#pending(), pendingTimes.everyMs);
  }

  #tell(what: Partial<StatusReport>): void {
    this.#options.report({
      state: serviceStates[this.#state],
      controlsAccepted: 0,
      exitCode: 0,
      specificExitCode: 0,
      checkPoint: 0,
      waitHintMs: 0,
      ...what,
    });
  }
}
