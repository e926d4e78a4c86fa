import { resultMark } from "./host-script.ts";

/** One TCP listener of a server, with the terms of the SoftEther manual. */
export interface ListenerReport {
  port: number;
  /** `Listening`, `Error` (enabled, but the port could not be opened; retried) or `Stopped`. */
  state: string;
  /** Why the state is `Error`. */
  reason?: string;
  /** The address that it listens on, where that is not every address of the host. */
  address?: string;
}

/** What was done about the host's own firewall. */
export interface FirewallReport {
  /** `nftables`, `ufw`, `none` (the host has no firewall that drops) or `unmanaged` (left to an administrator). */
  manager: string;
  /** The ports that are open for VPN clients, as far as the host is concerned. */
  ports: number[];
  /** The same in a sentence; in user mode, what an administrator has to open. */
  message: string;
}

/** What `vpnserver install --json` prints. */
export interface InstallReport {
  readonly mode: string;
  readonly reason: string;
  readonly version: string;
  readonly sha256: string;
  readonly prefix: string;
  readonly stateDirectory: string;
  readonly listeners: ListenerReport[];
  readonly tlsFingerprint: string;
  readonly firewall: FirewallReport;
  readonly warnings?: readonly string[];
}

/**
 * Reads the result of `install` of the host's script.
 *
 * @throws Error when the output holds none
 */
export function parseInstallReport(stdout: string): InstallReport {
  const marked = stdout.split("\n").findLast((line) => line.startsWith(resultMark));
  const report = parseFinalJson<Partial<InstallReport>>(marked?.slice(resultMark.length) ?? stdout);
  if (!report?.mode || !report.sha256 || !report.listeners || !report.firewall) {
    throw new Error(`the install command did not report its result; it printed: ${stdout.slice(0, 500)}`);
  }
  return report as InstallReport;
}

/** Reads the last line that is a JSON object; what a login shell prints may stand before and after it. */
export function parseFinalJson<T extends object>(stdout: string): T | undefined {
  for (const line of stdout.split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null) return value as T;
    } catch {
      // Another line may be the one.
    }
  }
  return undefined;
}
