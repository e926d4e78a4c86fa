import type * as pulumi from "@pulumi/pulumi";

/** Options of a hub, by SoftEther's own names. */
export interface HubOptionsArgs {
  /** Is not shown to clients that list the hubs (default false). */
  NoEnum?: pulumi.Input<boolean>;
  /** Keeps no table of IP addresses (default false). */
  NoIpTable?: pulumi.Input<boolean>;
  /** Does not log new MAC addresses (default true). */
  NoMacAddressLog?: pulumi.Input<boolean>;
  /** The table holds private IPv4 addresses only (default true). */
  ManageOnlyPrivateIP?: pulumi.Input<boolean>;
  /** The table holds local IPv6 addresses only (default true). */
  ManageOnlyLocalUnicastIPv6?: pulumi.Input<boolean>;
  /** One table of MAC addresses for all VLANs (default false). */
  NoManageVlanId?: pulumi.Input<boolean>;
  /** No PPPoE (default false). */
  FilterPPPoE?: pulumi.Input<boolean>;
  /** No OSPF (default false). */
  FilterOSPF?: pulumi.Input<boolean>;
  /** No IPv4 (default false). */
  FilterIPv4?: pulumi.Input<boolean>;
  /** No IPv6 (default false). */
  FilterIPv6?: pulumi.Input<boolean>;
  /** Nothing but IP (default false). */
  FilterNonIP?: pulumi.Input<boolean>;
  /** No BPDUs of spanning tree (default false). */
  FilterBPDU?: pulumi.Input<boolean>;
  /** Sessions that run over IPv6 get router advertisements without the default router (default true). */
  NoIPv6DefaultRouterInRAWhenIPv6?: pulumi.Input<boolean>;
  /** The privacy filter drops broadcasts too (default true). */
  DropBroadcastsInPrivacyFilterMode?: pulumi.Input<boolean>;
  /** The privacy filter drops ARP too (default true). */
  DropArpInPrivacyFilterMode?: pulumi.Input<boolean>;
  /** The access list's IPv4 rules hold for ARP too (default false). */
  ApplyIPv4AccessListOnArpPacket?: pulumi.Input<boolean>;
  /** Broadcasts per second of one sender that count as a storm; 0 is 32 (default 0). */
  BroadcastStormDetectionThreshold?: pulumi.Input<number>;
  /** Storms are told by the MAC address alone (default false). */
  BroadcastLimiterStrictMode?: pulumi.Input<boolean>;
  /** Packets per minute and session in the packet log; 0 is no limit (default 0). */
  MaxLoggedPacketsPerMinute?: pulumi.Input<number>;
  /** Least build of the clients that may connect (default 0). */
  ClientMinimumRequiredBuild?: pulumi.Input<number>;
  /** Id of the customized clients that may connect; 0 is any (default 0). */
  RequiredClientId?: pulumi.Input<number>;
  /** Does not log DHCP of others (default true). */
  NoDhcpPacketLogOutsideHub?: pulumi.Input<boolean>;
  /** No IPv4 in the packet log (default false). */
  NoIPv4PacketLog?: pulumi.Input<boolean>;
  /** No IPv6 in the packet log (default false). */
  NoIPv6PacketLog?: pulumi.Input<boolean>;
}

/** Logs of a hub. */
export interface HubLogArgs {
  /** Keep the security log: logins, refusals, sessions (default true). */
  saveSecurityLog?: pulumi.Input<boolean>;
  /** Keep the packet log (default true). */
  savePacketLog?: pulumi.Input<boolean>;
  /** How much of each kind of packet. */
  packetLog?: pulumi.Input<PacketLogArgs>;
}

/** Levels of the packet log: 0 nothing, 1 the header, 2 the whole packet. */
export interface PacketLogArgs {
  /** Beginnings and ends of TCP connections (default 1). */
  tcpConnection?: pulumi.Input<number>;
  /** TCP (default 0). */
  tcp?: pulumi.Input<number>;
  /** DHCP (default 1). */
  dhcp?: pulumi.Input<number>;
  /** UDP (default 0). */
  udp?: pulumi.Input<number>;
  /** ICMP (default 0). */
  icmp?: pulumi.Input<number>;
  /** Other IP (default 0). */
  ip?: pulumi.Input<number>;
  /** ARP (default 0). */
  arp?: pulumi.Input<number>;
  /** All else (default 0). */
  ethernet?: pulumi.Input<number>;
}
