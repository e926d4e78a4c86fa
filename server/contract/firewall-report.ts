import { parserOf } from "./json-format.ts";
import { listOf, objectOf, optional, tcpPort, text, trueOrFalse, type MemberReaders } from "./json-reader.ts";

/** What was done about the host's firewall. */
export interface FirewallReport {
  /**
   * Who decides which connections reach this host: `nftables`, `ufw`, or `none` when nothing stops any; `unmanaged` when it is left
   * to an administrator, because it is none of those that are known here or because this user may not change it. A later release
   * may know others.
   */
  readonly manager: string;
  /** Ports of those asked for that other hosts reach, as far as this host is concerned. */
  readonly ports: readonly number[];
  /** The same in a sentence; what an administrator has to do, if anything. */
  readonly message: string;
}

/** What `firewall open`, `close` and `show` print with `--json`. */
export interface FirewallResult extends FirewallReport {
  /** Whether anything is different now; left out by `show`, which changes nothing. */
  readonly changed?: boolean;
}

const members: MemberReaders<FirewallReport> = { manager: text, ports: listOf(tcpPort), message: text };

export const firewallReport = objectOf<FirewallReport>(members);

export const parseFirewallResult = parserOf(
  "firewall",
  objectOf<FirewallResult>({ ...members, changed: optional(trueOrFalse) }),
);
