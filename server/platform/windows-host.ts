/** What Windows tells of processes, users and folders beyond the Node.js runtime, which knows neither start times nor access lists. */
export interface WindowsHost {
  /** Of this process, such as `S-1-5-21-1004336348-1177238915-682003330-512`. */
  readonly userSid: string;
  /** Whether this process has the rights of an administrator, not only an account that could have them. */
  readonly isAdministrator: boolean;
  /** When a process began, opaque; undefined when there is none, when it has ended, and for one of a user that this one may not ask. */
  processStart(pid: number): string | undefined;
  /** Owner and access list of a file or folder, in the security descriptor definition language. */
  accessOf(path: string): string;
  /** Makes a folder with an access list of its own. @throws when it is there */
  makeFolder(path: string, accessList: string): void;
  /** Sets the access list, in the same language, without what the folder above would hand down. */
  setAccess(path: string, accessList: string): void;
}

/** The host, or why it is out of reach. */
export type ProvidedWindowsHost = WindowsHost | { readonly reason: string };

let provided: ProvidedWindowsHost = { reason: "nobody asked for them" };

/** Called once, before anything else is done: by the command line, which loads what answers. */
export function provideWindowsHost(host: ProvidedWindowsHost): void {
  provided = host;
}

/** Undefined where native calls are out of reach, and on other systems. */
export function windowsHost(): WindowsHost | undefined {
  return "reason" in provided ? undefined : provided;
}

/** Why there is no {@link windowsHost}. */
export function whyNoWindowsHost(): string {
  return "reason" in provided ? provided.reason : "";
}
