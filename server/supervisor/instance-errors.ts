import { ServerError } from "../errors.ts";

/** The error of a second start. */
export function alreadyRunning(pid: number | undefined): ServerError {
  const which = pid === undefined ? "" : ` (process ${pid})`;
  return new ServerError(
    "ALREADY_RUNNING",
    `SoftEther VPN Server Service is already running${which}; to stop it: vpnserver stop`,
  );
}

/** The error of a command that needs a running server. */
export function notRunning(stateDirectory: string): ServerError {
  return new ServerError(
    "NOT_RUNNING",
    `SoftEther VPN Server Service is not running (state directory ${stateDirectory}); to start it: vpnserver start`,
  );
}
