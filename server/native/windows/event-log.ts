import type { WindowsKoffi } from "../koffi.ts";
import { WindowsLibrary, type Handle } from "./functions.ts";

const typeError = 1;
/** Longest text that ReportEventW takes, in UTF-16 units. */
const mostCharacters = 31_839;

/** Writes an error to the log "Application" of the Event Viewer, as far as that is possible. */
export function reportToEventLog(koffi: WindowsKoffi, source: string, text: string): void {
  const advapi = new WindowsLibrary(koffi, "advapi32.dll");
  const register = advapi.declare<[null, string], Handle>("RegisterEventSourceW", "void *", [
    "str16",
    "str16",
  ]);
  const report = advapi.declare<unknown[], number>("ReportEventW", "int", [
    ...["void *", "uint16_t", "uint16_t", "uint32_t", "void *"],
    ...["uint16_t", "uint32_t", koffi.pointer("str16"), "void *"],
  ]);
  const deregister = advapi.declare<[Handle], number>("DeregisterEventSource", "int", ["void *"]);
  const log = register(null, source);
  if (!log) return;
  report(log, typeError, 0, 0, null, 1, 0, [text.slice(0, mostCharacters)], null);
  deregister(log);
}
