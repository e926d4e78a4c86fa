/** What was done about the host's own firewall. */
export interface FirewallReport {
  /** `nftables`, `ufw`, `none` (the host has no firewall that drops) or `unmanaged` (left to an administrator). */
  manager: string;
  /** The ports that are open for VPN clients, as far as the host is concerned. */
  ports: number[];
  /** The same in a sentence; in user mode, what an administrator has to open. */
  message: string;
}
