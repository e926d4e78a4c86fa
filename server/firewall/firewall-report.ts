/**
 * Who decides which connections reach this host: `none` when nothing stops any; `unmanaged` when it is left to an
 * administrator, because it is none of those that are known here or because this user may not change it.
 */
export type FirewallManagerName = "nftables" | "ufw" | "none" | "unmanaged";

export interface FirewallReport {
  readonly manager: FirewallManagerName;
  /** Ports of those asked for that other hosts reach, as far as this host is concerned. */
  readonly ports: readonly number[];
  /** The same in a sentence; what an administrator has to do, if anything. */
  readonly message: string;
}

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
