import type * as pulumi from "@pulumi/pulumi";

/**
 * A virtual host in a hub that gives clients their addresses and leads them to the networks of the server's host. What is left out
 * follows from `address`, or is as in a new hub.
 */
export interface SecureNatArgs {
  /**
   * Whether it runs.
   * @default true
   */
  enabled?: pulumi.Input<boolean>;
  /**
   * Address of the virtual host, with the prefix of the hub's network.
   * @default `192.168.30.1/24`
   */
  address?: pulumi.Input<string>;
  /**
   * MAC address of the virtual host.
   * @default one that the hub made up
   */
  mac?: pulumi.Input<string>;
  /**
   * Who translates what clients send to the networks of the host: `kernel`, the host's own, which is fast and needs service mode; `user`,
   * the server by its sockets, which needs no privilege; `auto`, the kernel where that turns out to work, else the server; or `off`.
   * @default `auto`
   */
  nat?: pulumi.Input<string>;
  /**
   * Largest packet to clients, 64 to 1500 bytes.
   * @default 1500
   */
  mtu?: pulumi.Input<number>;
  /**
   * Seconds after which a silent TCP connection ends, at least 60.
   * @default 1800
   */
  tcpTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Seconds after which an unused UDP port is given up, at least 10.
   * @default 60
   */
  udpTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Networks of IPv4 or IPv6 that clients reach although they are closed to them: loopback, link-local and with it `169.254.169.254`, where
   * clouds keep the secrets of their machines.
   * @default none
   */
  openNetworks?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Whether clients get IPv6 too, so that none of it goes out beside the VPN: an address, a name server, and a way to the Internet where the
   * host has one. Only where the virtual host is the gateway of clients.
   * @default true
   */
  ipv6?: pulumi.Input<boolean>;
  /**
   * Whether clients get addresses by DHCP.
   * @default true
   */
  dhcp?: pulumi.Input<boolean>;
  /**
   * Addresses for clients, such as `192.168.30.10-192.168.30.200`.
   * @default in a /24 `.10` to `.200`
   */
  dhcpRange?: pulumi.Input<string>;
  /**
   * Seconds until a client asks for its address again at the latest, at least 15.
   * @default 7200
   */
  leaseSeconds?: pulumi.Input<number>;
  /**
   * The way of clients to all other networks, or `none`, so that only `routes` lead through the VPN.
   * @default the virtual host; `none` without NAT
   */
  gateway?: pulumi.Input<string>;
  /**
   * At most two name servers for clients.
   * @default the virtual host, which asks those of the server's host; none without NAT
   */
  nameServers?: pulumi.Input<pulumi.Input<string>[]>;
  /** Domain of clients. */
  domainName?: pulumi.Input<string>;
  /** Networks that clients reach through the VPN, such as `10.0.0.0/8` or `10.0.0.0/8 via 192.168.30.2`. */
  routes?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Whether the hub's log tells of leases.
   * @default true
   */
  saveLog?: pulumi.Input<boolean>;
}
