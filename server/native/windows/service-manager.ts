import type { TypeObject } from "koffi";
import type { WindowsKoffi } from "../koffi.ts";
import { addressOf, PinnedMemory } from "../pinned-memory.ts";
import { LastError, WindowsLibrary, type Handle, type WindowsFunction } from "./functions.ts";
import { serviceStatus, statusMembers } from "./service-status.ts";
import { structure } from "./types.ts";
import { isWindowsError, windowsErrors } from "./windows-error.ts";

/** What the service control manager knows of a service. */
export interface ServiceRegistration {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  /** Command line: the executable in quotation marks, and its arguments. */
  readonly command: string;
  readonly start: ServiceStart;
  /** Pauses before the restarts after the first, second and third abnormal end, and all after them. */
  readonly restartDelaysMs: readonly number[];
  /** After so long without an abnormal end the next one counts as the first. */
  readonly failuresForgottenSeconds: number;
  /** How long the system waits for it when it shuts down. */
  readonly preshutdownMs: number;
}

export type ServiceStart = "automatic" | "manual" | "disabled";

/** `dwCurrentState` of SERVICE_STATUS. */
export const serviceStates = {
  STOPPED: 1,
  START_PENDING: 2,
  STOP_PENDING: 3,
  RUNNING: 4,
  CONTINUE_PENDING: 5,
  PAUSE_PENDING: 6,
  PAUSED: 7,
} as const;

export type ServiceState = keyof typeof serviceStates;

export interface ServiceStatus {
  readonly state: ServiceState;
  /** 0 while it does not run. */
  readonly pid: number;
  /** Of its last end, as Windows counts errors; {@link windowsErrors.serviceSpecificError} where the next one says it. */
  readonly exitCode: number;
  readonly specificExitCode: number;
}

export interface ServiceSettings {
  readonly command: string;
  readonly start: ServiceStart;
}

/** The service control manager of this computer. All methods throw {WindowsError}, with code 5 for who is no administrator. */
export interface ServiceManager {
  install(registration: ServiceRegistration): void;
  /** Gives a service that is there these settings; one that runs has its new command line from its next start on. */
  update(registration: ServiceRegistration): void;
  /** Windows deletes a service that runs when it has ended. */
  uninstall(name: string): void;
  /** Returns when its process was started. */
  start(name: string): void;
  /** Asks it to stop, and returns. */
  stop(name: string): void;
  /** `undefined` when there is no such service. */
  status(name: string): ServiceStatus | undefined;
  /** `undefined` when there is no such service. */
  settings(name: string): ServiceSettings | undefined;
}

const managerAccess = { connect: 0x1, createService: 0x2 } as const;
const serviceAccess = {
  queryConfig: 0x1,
  changeConfig: 0x2,
  queryStatus: 0x4,
  start: 0x10,
  stop: 0x20,
  delete: 0x1_0000,
} as const;
const ownProcess = 0x10;
const startTypes = { automatic: 2, manual: 3, disabled: 4 } as const;
const logFailureToStart = 1;
const controlStop = 1;
const configLevels = { description: 1, failureActions: 2, failureActionsFlag: 4, preshutdown: 7 } as const;
const actionRestart = 1;
/** To stay as it is, in ChangeServiceConfigW. */
const noChange = 0xffff_ffff;
const statusProcessInfo = 0;
/** As much as QueryServiceConfigW gives at most. */
const settingsBytes = 8 * 1024;
/** Offsets in QUERY_SERVICE_CONFIGW. */
const settingsAt = { startType: 4, command: 16 } as const;

/** Types of its structures, and its functions. */
function declareFunctions(koffi: WindowsKoffi) {
  const library = new WindowsLibrary(koffi, "advapi32.dll");
  const u32 = "uint32_t";
  const text = "str16";
  const handle = "void *";
  const status = serviceStatus(koffi);
  const statusProcess = structure(koffi, "SERVICE_STATUS_PROCESS", {
    ...statusMembers,
    dwProcessId: u32,
    dwServiceFlags: u32,
  });
  const description = structure(koffi, "SERVICE_DESCRIPTIONW", { lpDescription: text });
  const action = structure(koffi, "SC_ACTION", { Type: u32, Delay: u32 });
  const failureActions = structure(koffi, "SERVICE_FAILURE_ACTIONSW", {
    dwResetPeriod: u32,
    lpRebootMsg: text,
    lpCommand: text,
    cActions: u32,
    lpsaActions: koffi.pointer(action),
  });
  const flag = structure(koffi, "SERVICE_NUMBER", { value: u32 });
  /** ChangeServiceConfig2W takes another structure for each level. */
  const changeConfig2 = (structure: TypeObject) =>
    library.declare<[Handle, number, object], number>("ChangeServiceConfig2W", "int", [
      handle,
      u32,
      koffi.pointer(structure),
    ]);
  return {
    statusProcessBytes: koffi.sizeof(statusProcess),
    openManager: library.declare<[null, null, number], Handle>("OpenSCManagerW", handle, [text, text, u32]),
    create: library.declare<unknown[], Handle>("CreateServiceW", handle, [
      ...[handle, text, text, u32, u32, u32, u32, text],
      ...[text, handle, text, text, text],
    ]),
    change: library.declare<unknown[], number>("ChangeServiceConfigW", "int", [
      ...[handle, u32, u32, u32, text, text, handle, text, text, text, text],
    ]),
    open: library.declare<[Handle, string, number], Handle>("OpenServiceW", handle, [handle, text, u32]),
    start: library.declare<[Handle, number, null], number>("StartServiceW", "int", [handle, u32, handle]),
    control: library.declare<[Handle, number, object], number>("ControlService", "int", [
      handle,
      u32,
      koffi.out(koffi.pointer(status)),
    ]),
    queryStatus: library.declare<[Handle, number, object, number, number[]], number>(
      "QueryServiceStatusEx",
      "int",
      [handle, "int", koffi.out(koffi.pointer(statusProcess)), u32, koffi.out(koffi.pointer(u32))],
    ),
    queryConfig: library.declare<[Handle, number, number, number[]], number>("QueryServiceConfigW", "int", [
      handle,
      "uintptr_t",
      u32,
      koffi.out(koffi.pointer(u32)),
    ]),
    delete: library.declare<[Handle], number>("DeleteService", "int", [handle]),
    close: library.declare<[Handle], number>("CloseServiceHandle", "int", [handle]),
    setDescription: changeConfig2(description),
    setFailureActions: changeConfig2(failureActions),
    setFlag: changeConfig2(flag),
  };
}

type StatusOfProcess = Record<
  "dwCurrentState" | "dwProcessId" | "dwWin32ExitCode" | "dwServiceSpecificExitCode",
  number
>;

/** The service control manager, by its functions. */
export class NativeServiceManager implements ServiceManager {
  readonly #koffi: WindowsKoffi;
  readonly #lastError: LastError;
  readonly #functions: ReturnType<typeof declareFunctions>;

  constructor(koffi: WindowsKoffi) {
    this.#koffi = koffi;
    this.#lastError = new LastError(koffi);
    this.#functions = declareFunctions(koffi);
  }

  install(registration: ServiceRegistration): void {
    const { name, displayName, command, start } = registration;
    const access =
      serviceAccess.changeConfig | serviceAccess.queryStatus | serviceAccess.start | serviceAccess.delete;
    this.#withManager(managerAccess.connect | managerAccess.createService, (manager) => {
      const created = this.#functions.create(
        ...[manager, name, displayName, access, ownProcess, startTypes[start], logFailureToStart, command],
        ...[null, null, null, null, null],
      );
      this.#using(this.#lastError.checked(`cannot make the service ${name}`, created), (service) => {
        try {
          this.#configure(service, registration);
        } catch (error) {
          this.#functions.delete(service);
          throw error;
        }
      });
    });
  }

  update(registration: ServiceRegistration): void {
    const { name, displayName, command, start } = registration;
    // To have a service restarted needs the right to start it.
    this.#withService(name, serviceAccess.changeConfig | serviceAccess.start, (service) => {
      const done = this.#functions.change(
        ...[service, noChange, startTypes[start], noChange, command, null, null, null, null, null],
        displayName,
      );
      this.#lastError.checked(`cannot change the service ${name}`, done);
      this.#configure(service, registration);
    });
  }

  /** What there is no argument for when a service is made. */
  #configure(service: Handle, registration: ServiceRegistration): void {
    const { setDescription, setFailureActions, setFlag } = this.#functions;
    const { name, description, restartDelaysMs, failuresForgottenSeconds, preshutdownMs } = registration;
    const set = (what: string, done: number) =>
      void this.#lastError.checked(`cannot set ${what} of the service ${name}`, done);
    set("description", setDescription(service, configLevels.description, { lpDescription: description }));
    const actions = restartDelaysMs.map((delay) => ({ Type: actionRestart, Delay: delay }));
    const failures = {
      dwResetPeriod: failuresForgottenSeconds,
      lpRebootMsg: null,
      lpCommand: null,
      cActions: actions.length,
      lpsaActions: actions,
    };
    set("failure actions", setFailureActions(service, configLevels.failureActions, failures));
    // Also where it ends in order but says that something went wrong, such as a port that is taken.
    this.#setWhereKnown("failure actions", () =>
      setFlag(service, configLevels.failureActionsFlag, { value: 1 }),
    );
    this.#setWhereKnown("time to stop", () =>
      setFlag(service, configLevels.preshutdown, { value: preshutdownMs }),
    );
  }

  uninstall(name: string): void {
    this.#withService(name, serviceAccess.delete, (service) =>
      this.#lastError.checked(`cannot delete the service ${name}`, this.#functions.delete(service)),
    );
  }

  start(name: string): void {
    this.#withService(name, serviceAccess.start, (service) =>
      this.#lastError.checked(`cannot start the service ${name}`, this.#functions.start(service, 0, null)),
    );
  }

  stop(name: string): void {
    this.#withService(name, serviceAccess.stop, (service) =>
      this.#lastError.checked(
        `cannot stop the service ${name}`,
        this.#functions.control(service, controlStop, {}),
      ),
    );
  }

  status(name: string): ServiceStatus | undefined {
    return whereThere(() =>
      this.#withService(name, serviceAccess.queryStatus, (service) => {
        const { queryStatus, statusProcessBytes } = this.#functions;
        const status = {} as StatusOfProcess;
        const done = queryStatus(service, statusProcessInfo, status, statusProcessBytes, [0]);
        this.#lastError.checked(`cannot ask for the service ${name}`, done);
        return {
          state: stateOf(status.dwCurrentState),
          pid: status.dwProcessId,
          exitCode: status.dwWin32ExitCode,
          specificExitCode: status.dwServiceSpecificExitCode,
        };
      }),
    );
  }

  settings(name: string): ServiceSettings | undefined {
    return whereThere(() =>
      this.#withService(name, serviceAccess.queryConfig, (service) => {
        const memory = PinnedMemory.allocate(this.#koffi, settingsBytes);
        try {
          const address = addressOf(memory, 0, settingsBytes);
          const done = this.#functions.queryConfig(service, address, settingsBytes, [0]);
          this.#lastError.checked(`cannot ask for the settings of the service ${name}`, done);
          const { bytes } = memory;
          const type = bytes.readUInt32LE(settingsAt.startType);
          return {
            command: textAt(bytes, Number(bytes.readBigUInt64LE(settingsAt.command)) - address),
            start:
              type === startTypes.manual ? "manual" : type === startTypes.disabled ? "disabled" : "automatic",
          };
        } finally {
          memory.release();
        }
      }),
    );
  }

  /** A setting that not every Windows knows, and Wine not either; the service works without. */
  #setWhereKnown(what: string, set: () => number): void {
    try {
      this.#lastError.checked(`cannot set ${what} of the service`, set());
    } catch (error) {
      if (!isWindowsError(error, windowsErrors.invalidLevel)) throw error;
    }
  }

  #withManager<T>(access: number, work: (manager: Handle) => T): T {
    const manager = this.#functions.openManager(null, null, access);
    return this.#using(this.#lastError.checked("cannot open the service control manager", manager), work);
  }

  #withService<T>(name: string, access: number, work: (service: Handle) => T): T {
    return this.#withManager(managerAccess.connect, (manager) => {
      const service = this.#functions.open(manager, name, access);
      return this.#using(this.#lastError.checked(`cannot open the service ${name}`, service), work);
    });
  }

  #using<T>(handle: Handle, work: (handle: Handle) => T): T {
    const close: WindowsFunction<[Handle], number> = this.#functions.close;
    try {
      return work(handle);
    } finally {
      close(handle);
    }
  }
}

function whereThere<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isWindowsError(error, windowsErrors.serviceDoesNotExist)) return undefined;
    throw error;
  }
}

function stateOf(number: number): ServiceState {
  const found = Object.entries(serviceStates).find(([, value]) => value === number);
  return (found?.[0] ?? "STOPPED") as ServiceState;
}

/** The text of UTF-16 at an offset, which ends with a zero or with the memory; empty where the offset is out of it. */
function textAt(bytes: Buffer, offset: number): string {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= bytes.length) return "";
  const text = bytes.toString("utf16le", offset);
  const end = text.indexOf("\0");
  return end === -1 ? text : text.slice(0, end);
}
