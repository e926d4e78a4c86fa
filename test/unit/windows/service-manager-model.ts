import type {
  ServiceManager,
  ServiceRegistration,
  ServiceStart,
  ServiceState,
} from "../../../server/native/windows/service-manager.ts";
import { WindowsError, windowsErrors } from "../../../server/native/windows/windows-error.ts";
import type { ServiceHost } from "../../../server/windows/service-control.ts";

interface Service {
  command: string;
  start: ServiceStart;
  state: ServiceState;
  registration?: ServiceRegistration;
  exitCode: number;
  specificExitCode: number;
}

/** A service control manager that does at once, or when time passes, what the real one does. */
export class ServiceManagerModel implements ServiceManager {
  service: Service | undefined;
  readonly calls: string[] = [];
  /** How a start ends. */
  startsTo: { state: ServiceState; specificExitCode?: number } = { state: "RUNNING" };
  /** Whether a stop ever ends. */
  stops = true;
  /** Looks until what was deleted is gone. */
  looksUntilGone = 0;
  #deleted = false;
  #next: ServiceState | undefined;

  install(registration: ServiceRegistration): void {
    if (this.service !== undefined) throw new WindowsError("create", windowsErrors.serviceExists);
    this.calls.push("install");
    this.#deleted = false;
    const { command, start } = registration;
    this.service = { command, start, state: "STOPPED", registration, exitCode: 0, specificExitCode: 0 };
  }

  update(registration: ServiceRegistration): void {
    const service = this.#there();
    this.calls.push("update");
    const { command, start } = registration;
    Object.assign(service, { command, start, registration });
  }

  uninstall(): void {
    this.#there();
    this.calls.push("uninstall");
    this.#deleted = true;
    if (this.looksUntilGone === 0) this.service = undefined;
  }

  start(): void {
    const service = this.#there();
    this.calls.push("start");
    if (service.state === "RUNNING") throw new WindowsError("start", windowsErrors.serviceAlreadyRunning);
    service.state = "START_PENDING";
    this.#next = this.startsTo.state;
  }

  stop(): void {
    const service = this.#there();
    this.calls.push("stop");
    if (service.state === "STOPPED") throw new WindowsError("stop", windowsErrors.serviceNotActive);
    service.state = "STOP_PENDING";
    this.#next = this.stops ? "STOPPED" : undefined;
  }

  /** Each look is a little later than the one before. */
  status() {
    const { service } = this;
    if (service === undefined) return undefined;
    if (this.#deleted && this.looksUntilGone-- <= 0) {
      this.service = undefined;
      return undefined;
    }
    const { state, exitCode, specificExitCode } = service;
    if (this.#next !== undefined) {
      service.state = this.#next;
      if (this.#next === "STOPPED" && this.startsTo.specificExitCode !== undefined) {
        service.exitCode = windowsErrors.serviceSpecificError;
        service.specificExitCode = this.startsTo.specificExitCode;
      }
      this.#next = undefined;
    }
    return { state, pid: 0, exitCode, specificExitCode };
  }

  settings() {
    return this.service && { command: this.service.command, start: this.service.start };
  }

  #there(): Service {
    if (this.service === undefined) throw new WindowsError("open", windowsErrors.serviceDoesNotExist);
    return this.service;
  }
}

/** A Windows with this manager, whose time passes when somebody sleeps. */
export function hostWith(
  manager: ServiceManager,
  more: Partial<ServiceHost> = {},
): ServiceHost & { done: string[] } {
  const done: string[] = [];
  let now = 0;
  return {
    done,
    manager,
    isAdministrator: true,
    ask: async () => undefined,
    prepare: async () => void done.push("prepare"),
    openFirewall: async () => {
      done.push("open firewall");
      return "The firewall is open.";
    },
    closeFirewall: async () => void done.push("close firewall"),
    sleep: async (ms) => void (now += ms),
    now: () => now,
    ...more,
  };
}
