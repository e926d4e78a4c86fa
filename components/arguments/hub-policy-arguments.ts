import type * as pulumi from "@pulumi/pulumi";

/** Policy of a user or group, by SoftEther's own names. A limit of 0 is none. */
export interface HubPolicyArgs {
  /** May log in (default true). */
  Access?: pulumi.Input<boolean>;
  /** Neither sends nor gets DHCP. */
  DHCPFilter?: pulumi.Input<boolean>;
  /** May not be a DHCP server. */
  DHCPNoServer?: pulumi.Input<boolean>;
  /** May use only addresses that a DHCP server gave it. */
  DHCPForce?: pulumi.Input<boolean>;
  /** May not bridge: 3 MAC addresses at most. */
  NoBridge?: pulumi.Input<boolean>;
  /** May not route IPv4: 4 addresses at most. */
  NoRouting?: pulumi.Input<boolean>;
  /** May not use MAC addresses that others use. */
  CheckMac?: pulumi.Input<boolean>;
  /** May not use IPv4 addresses that others use. */
  CheckIP?: pulumi.Input<boolean>;
  /** Of broadcasts, only ARP, DHCP and ICMPv6. */
  ArpDhcpOnly?: pulumi.Input<boolean>;
  /** No traffic with others that have this policy. */
  PrivacyFilter?: pulumi.Input<boolean>;
  /** May not be a TCP server over IPv4. */
  NoServer?: pulumi.Input<boolean>;
  /** No limit of broadcasts. */
  NoBroadcastLimiter?: pulumi.Input<boolean>;
  /** May monitor: gets a copy of every frame of the hub. */
  MonitorPort?: pulumi.Input<boolean>;
  /** TCP connections of one session, 1 to 32 (default 32). */
  MaxConnection?: pulumi.Input<number>;
  /** Seconds without a sign of life after which a session ends, 5 to 60 (default 20). */
  TimeOut?: pulumi.Input<number>;
  /** MAC addresses of one session. */
  MaxMac?: pulumi.Input<number>;
  /** IPv4 addresses of one session. */
  MaxIP?: pulumi.Input<number>;
  /** Bits per second from the client. */
  MaxUpload?: pulumi.Input<number>;
  /** Bits per second to the client. */
  MaxDownload?: pulumi.Input<number>;
  /** May not change the password. */
  FixPassword?: pulumi.Input<boolean>;
  /** Sessions at the same time. */
  MultiLogins?: pulumi.Input<number>;
  /** No preference for short, urgent packets. */
  NoQoS?: pulumi.Input<boolean>;
  /** Neither router solicitations nor router advertisements. */
  RSandRAFilter?: pulumi.Input<boolean>;
  /** Sends no router advertisements. */
  RAFilter?: pulumi.Input<boolean>;
  /** Neither sends nor gets DHCPv6. */
  DHCPv6Filter?: pulumi.Input<boolean>;
  /** May not be a DHCPv6 server. */
  DHCPv6NoServer?: pulumi.Input<boolean>;
  /** May not route IPv6. */
  NoRoutingV6?: pulumi.Input<boolean>;
  /** May not use IPv6 addresses that others use. */
  CheckIPv6?: pulumi.Input<boolean>;
  /** May not be a TCP server over IPv6. */
  NoServerV6?: pulumi.Input<boolean>;
  /** IPv6 addresses of one session. */
  MaxIPv6?: pulumi.Input<number>;
  /** The client does not keep the password. */
  NoSavePassword?: pulumi.Input<boolean>;
  /** Seconds after which a session is ended. */
  AutoDisconnect?: pulumi.Input<number>;
  /** No IPv4 and no ARP. */
  FilterIPv4?: pulumi.Input<boolean>;
  /** No IPv6. */
  FilterIPv6?: pulumi.Input<boolean>;
  /** Nothing but IP. */
  FilterNonIP?: pulumi.Input<boolean>;
  /** Router advertisements reach it without the default router. */
  NoIPv6DefaultRouterInRA?: pulumi.Input<boolean>;
  /** The same when the session itself runs over IPv6. */
  NoIPv6DefaultRouterInRAWhenIPv6?: pulumi.Input<boolean>;
  /** VLAN id that its frames get in the hub, 1 to 4095. */
  VLanId?: pulumi.Input<number>;
}
