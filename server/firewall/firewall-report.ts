import type { FirewallReport } from "../contract/firewall-report.ts";

/** What is said where the firewall is left alone. */
export function unmanaged(reason: string, ports: readonly number[]): FirewallReport {
  const message = `${reason}: where connections are filtered, an administrator has to open ${portList(ports)}`;
  return { manager: "unmanaged", ports: [], message };
}

/** `TCP 443, 992 and 5555`. */
export function portList(ports: readonly number[]): string {
  const texts = ports.map(String);
  const last = texts.pop();
  return `TCP ${texts.length === 0 ? (last ?? "(no port)") : `${texts.join(", ")} and ${last}`}`;
}
