import type { TypeObject } from "koffi";
import type { WindowsKoffi } from "../koffi.ts";
import { structure } from "./types.ts";

/** Members of SERVICE_STATUS, with which SERVICE_STATUS_PROCESS begins too. */
export const statusMembers = {
  dwServiceType: "uint32_t",
  dwCurrentState: "uint32_t",
  dwControlsAccepted: "uint32_t",
  dwWin32ExitCode: "uint32_t",
  dwServiceSpecificExitCode: "uint32_t",
  dwCheckPoint: "uint32_t",
  dwWaitHint: "uint32_t",
} as const;

/** SERVICE_STATUS. */
export function serviceStatus(koffi: WindowsKoffi): TypeObject {
  return structure(koffi, "SERVICE_STATUS", statusMembers);
}
