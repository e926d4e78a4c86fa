import type { ServiceRegistration, ServiceStart } from "../native/windows/service-manager.ts";

/** Name of the service, as the manual of SoftEther VPN Server has it: `net start sevpnserver`. */
export const serviceName = "sevpnserver";

/** What the list of services shows, and the title of every box. */
export const productName = "SoftEther VPN Server";

const restartDelayMs = 10_000;
const daySeconds = 24 * 60 * 60;
/** A little over what the supervisor allows its worker. */
const preshutdownMs = 75_000;

/** What the service runs. */
export interface ServiceCommand {
  readonly executable: string;
  readonly stateDirectory: string;
}

/** How the service is registered. */
export function planService(command: ServiceCommand, start: ServiceStart): ServiceRegistration {
  return {
    name: serviceName,
    displayName: productName,
    description:
      "VPN server that speaks the SoftEther SSL-VPN protocol. It serves before anyone logs in, and keeps its configuration in " +
      command.stateDirectory,
    command: commandLineOf(command),
    start,
    restartDelaysMs: [restartDelayMs, restartDelayMs, restartDelayMs],
    failuresForgottenSeconds: daySeconds,
    preshutdownMs,
  };
}

/** The command line of the service. Paths of Windows have no quotation marks; a backslash before one would escape it. */
export function commandLineOf({ executable, stateDirectory }: ServiceCommand): string {
  const folder = stateDirectory.endsWith("\\") ? stateDirectory.slice(0, -1) : stateDirectory;
  return `"${executable}" --state-dir "${folder}" /service`;
}

/** What a registered command line runs; `undefined` when it is not one of ours, as that of the original server. */
export function parseCommandLine(line: string): ServiceCommand | undefined {
  const [, executable, stateDirectory] = /^"([^"]+)" --state-dir "([^"]+)" \/service$/.exec(line) ?? [];
  return executable === undefined || stateDirectory === undefined
    ? undefined
    : { executable, stateDirectory };
}
