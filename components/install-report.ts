/** One TCP listener of a server, with the terms of the SoftEther manual. */
export interface ListenerReport {
  port: number;
  /** `Listening`, `Error` (enabled, but the port could not be opened; retried) or `Stopped`. */
  state: string;
  /** Why the state is `Error`. */
  reason?: string;
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

/** The last line that `vpnserver install --json` prints. */
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
 * Reads the result of `vpnserver install --json`.
 *
 * @throws Error when the output holds none
 */
export function parseInstallReport(stdout: string): InstallReport {
  const report = parseFinalJson<Partial<InstallReport>>(stdout);
  if (!report?.mode || !report.sha256 || !report.listeners || !report.firewall) {
    throw new Error(`the install command did not report its result; it printed: ${stdout.slice(0, 500)}`);
  }
  return report as InstallReport;
}

/** Reads the JSON object that a command's output ends with; a login banner may stand before it. */
export function parseFinalJson<T extends object>(stdout: string): T | undefined {
  const lines = stdout.trimEnd().split("\n");
  for (const text of [lines.at(-1) ?? "", lines.slice(lines.indexOf("{")).join("\n")]) {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as T;
    } catch {
      // Not JSON: the other form is tried, then there is no result.
    }
  }
  return undefined;
}
