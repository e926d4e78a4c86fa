import { bootSystems, type BootSystem } from "./boot-system.ts";

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

/**
 * How a host gets its firewall.
 *
 * @throws Error where that is not made for hosts of that kind
 */
export function firewallSetup(firewall: Firewall, bootSystem: BootSystem): FirewallSetup {
  switch (firewall) {
    case "nftables": {
      const { files, prepare, check } = bootSystems[bootSystem].nftables;
      return { files: { "etc/nftables.conf": nftablesConfiguration, ...files }, prepare, enable: check };
    }
    case "ufw":
      if (bootSystem !== "systemd") throw new Error(`the image of hosts with ${bootSystem} has no ufw`);
      return { files: {}, prepare: "", enable: "ufw allow OpenSSH && ufw --force enable" };
  }
}
