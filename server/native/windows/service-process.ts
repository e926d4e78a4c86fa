import type { WindowsKoffi } from "../koffi.ts";
import { LastError, WindowsLibrary, type Handle } from "./functions.ts";
import { serviceStatus } from "./service-status.ts";
import { startThread } from "./thread.ts";
import { callback } from "./types.ts";
import { WindowsError } from "./windows-error.ts";

/** What the service control manager asks of a service. */
export const serviceControls = { stop: 1, interrogate: 4, shutdown: 5, preshutdown: 15 } as const;

/** SERVICE_STATUS but for the type of the service. */
export interface StatusReport {
  readonly state: number;
  readonly controlsAccepted: number;
  readonly exitCode: number;
  readonly specificExitCode: number;
  readonly checkPoint: number;
  readonly waitHintMs: number;
}

/** This process as a service. Its methods are called in turns of the event loop, as other events are. */
export interface ServiceEvents {
  /** The service is to start. Reports go to the service control manager. */
  onStart(report: (status: StatusReport) => void): void;
  /** Asks for something: see {@link serviceControls}. */
  onControl(control: number): void;
}

export interface DispatcherThreadData {
  /** Path of koffi's library. */
  readonly library: string;
  readonly name: string;
  /** Address of the function that Windows calls when the service is to start. */
  readonly serviceMain: bigint;
}

export interface DispatcherThreadMessage {
  /** Of Windows; 0 for none. */
  readonly error: number;
}

const knownControls: ReadonlySet<number> = new Set(Object.values(serviceControls));
const ownProcess = 0x10;
const notImplemented = 120;

/**
 * Runs this process as a service, until STOPPED was reported.
 *
 * @param library path of koffi's library, for the thread that waits
 * @throws {WindowsError} code 1063 when it was not the service control manager that started this process
 */
export async function runAsService(
  koffi: WindowsKoffi,
  library: string,
  name: string,
  events: ServiceEvents,
): Promise<void> {
  const advapi = new WindowsLibrary(koffi, "advapi32.dll");
  const u32 = "uint32_t";
  const mainType = callback(koffi, "SERVICE_MAIN_FUNCTIONW", "void", [u32, "void *"]);
  const handlerType = callback(koffi, "HANDLER_FUNCTION_EX", u32, [u32, u32, "void *", "void *"]);
  const registerHandler = advapi.declare<[string, bigint, null], Handle>(
    "RegisterServiceCtrlHandlerExW",
    "void *",
    ["str16", handlerType, "void *"],
  );
  const setStatus = advapi.declare<[Handle, object], number>("SetServiceStatus", "int", [
    "void *",
    koffi.pointer(serviceStatus(koffi)),
  ]);
  const lastError = new LastError(koffi);
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  const handler = koffi.register((control: number) => {
    if (!knownControls.has(control)) return notImplemented;
    // Windows waits for the answer; what is to be done comes after it.
    if (control !== serviceControls.interrogate) setImmediate(() => events.onControl(control));
    return 0;
  }, handlerType);
  const main = koffi.register(() => {
    try {
      const handle = registerHandler(name, handler, null);
      lastError.checked("cannot register as the service", handle);
      events.onStart((status) => {
        setStatus(handle, {
          dwServiceType: ownProcess,
          dwCurrentState: status.state,
          dwControlsAccepted: status.controlsAccepted,
          dwWin32ExitCode: status.exitCode,
          dwServiceSpecificExitCode: status.specificExitCode,
          dwCheckPoint: status.checkPoint,
          dwWaitHint: status.waitHintMs,
        });
      });
    } catch (error) {
      // Nobody would see what is thrown out of here, and Windows waits for a report.
      reject(error);
    }
  }, mainType);

  const data: DispatcherThreadData = { library, name, serviceMain: main };
  const thread = startThread("dispatcher", data);
  thread.on("error", reject);
  thread.on("message", ({ error }: DispatcherThreadMessage) => {
    if (error === 0) resolve();
    else reject(new WindowsError("cannot become a service", error));
  });
  // Both functions stay registered: Windows may still be on its way out of them.
  await promise;
}
