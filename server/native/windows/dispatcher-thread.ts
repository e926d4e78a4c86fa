import { parentPort, workerData } from "node:worker_threads";
import { loadKoffi } from "../koffi.ts";
import { WindowsLibrary } from "./functions.ts";
import { structure } from "./types.ts";
import type { DispatcherThreadData, DispatcherThreadMessage } from "./service-process.ts";

// A thread of its own, since the function returns only when the service has ended. Functions that Windows calls meanwhile are those of
// the thread that has registered them.

const { library, name, serviceMain } = workerData as DispatcherThreadData;
const koffi = loadKoffi(library);
const entry = structure(koffi, "SERVICE_TABLE_ENTRYW", {
  lpServiceName: "str16",
  lpServiceProc: "uintptr_t",
});
const dispatch = new WindowsLibrary(koffi, "advapi32.dll").declare<[object[]], number>(
  "StartServiceCtrlDispatcherW",
  "int",
  [koffi.pointer(entry)],
);
const lastError = new WindowsLibrary(koffi, "kernel32.dll").declare<[], number>(
  "GetLastError",
  "uint32_t",
  [],
);
const done = dispatch([
  { lpServiceName: name, lpServiceProc: serviceMain },
  { lpServiceName: null, lpServiceProc: 0 },
]);
parentPort?.postMessage({ error: done ? 0 : lastError() } satisfies DispatcherThreadMessage);
