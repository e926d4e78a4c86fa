/** What guards a host: its name as in the option of {@link import("./host.ts").HostOptions}. */
export type Firewall = "nftables" | "ufw";

interface FirewallSetup {
  /** Files of the host, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Shell commands on the disk, before the first boot. */
  readonly prepare: string;
  /** Shell commands on the running host. */
  readonly enable: string;
}

/** What administrators write into Debian's nftables.conf: in comes what was asked for, ICMP and SSH. */
const nftablesConfiguration = `#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iifname "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport ssh accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter;
	}
}
`;

export const firewallSetups: Readonly<Record<Firewall, FirewallSetup>> = {
  nftables: {
    files: { "etc/nftables.conf": nftablesConfiguration },
    prepare: "systemctl --quiet enable nftables.service",
    enable: "systemctl is-active --quiet nftables.service",
  },
  ufw: {
    files: {},
    prepare: "",
    enable: "ufw allow OpenSSH && ufw --force enable",
  },
};
