/** Errors of Windows that are told apart here (`winerror.h`). */
export const windowsErrors = {
  accessDenied: 5,
  invalidLevel: 124,
  serviceRequestTimeout: 1053,
  serviceAlreadyRunning: 1056,
  serviceDisabled: 1058,
  serviceDoesNotExist: 1060,
  serviceCannotAcceptControl: 1061,
  serviceNotActive: 1062,
  failedServiceControllerConnect: 1063,
  serviceSpecificError: 1066,
  serviceMarkedForDelete: 1072,
  serviceExists: 1073,
} as const;

const meanings: Readonly<Record<number, string>> = {
  [windowsErrors.accessDenied]: "access is denied",
  [windowsErrors.serviceRequestTimeout]: "the service did not answer in time",
  [windowsErrors.serviceAlreadyRunning]: "the service runs already",
  [windowsErrors.serviceDisabled]: "the service is disabled",
  [windowsErrors.serviceDoesNotExist]: "there is no such service",
  [windowsErrors.serviceNotActive]: "the service does not run",
  [windowsErrors.failedServiceControllerConnect]: "this program was not started as a service",
  [windowsErrors.serviceMarkedForDelete]:
    "the service is being deleted; close what shows it, such as services.msc",
  [windowsErrors.serviceExists]: "there is such a service already",
};

/** A function of Windows failed. */
export class WindowsError extends Error {
  override readonly name = "WindowsError";
  /** As GetLastError gives it. */
  readonly code: number;

  constructor(what: string, code: number) {
    const meaning = meanings[code];
    super(`${what}: ${meaning === undefined ? "" : `${meaning}, `}error ${code} of Windows`);
    this.code = code;
  }
}

/** Whether an error is the one of Windows with this code. */
export function isWindowsError(error: unknown, code: number): error is WindowsError {
  return error instanceof WindowsError && error.code === code;
}
