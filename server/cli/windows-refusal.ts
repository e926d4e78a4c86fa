import { ServerError } from "../errors.ts";

/** @throws {ServerError} UNSUPPORTED on Windows, for what is done there in another way */
export function refuseOnWindows(command: string, instead: string): void {
  if (process.platform !== "win32") return;
  throw new ServerError("UNSUPPORTED", `${command} is not there on Windows: ${instead}`);
}
