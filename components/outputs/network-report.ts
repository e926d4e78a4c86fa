import type { HubNetwork } from "../../server/contract/hub-network.ts";

/** The network that a hub gives its clients, where it has SecureNAT. */
export interface NetworkReport {
  /** The Virtual Hub. */
  hub: string;
  /** Of the virtual host, with the prefix of the network, such as `192.168.30.1/24`. */
  address: string;
  /** The same of IPv6, such as `fd00:1:2::1/64`; none where it does not speak IPv6. */
  ipv6Address?: string;
  /** Whether it leads to the networks of the host. */
  nat: boolean;
  /** Addresses that clients get, such as `192.168.30.10-192.168.30.200`; none without DHCP. */
  dhcpRange?: string;
  /** The way of clients to all other networks. */
  gateway?: string;
  /** Name servers of clients. */
  nameServers: string[];
}

/** @param networks of a release that tells them */
export function networkReports(networks: readonly HubNetwork[] = []): NetworkReport[] {
  return networks.map(({ hub, address, ipv6Address, nat, dhcpRange, gateway, nameServers }) => ({
    hub,
    address,
    ...(ipv6Address !== undefined && { ipv6Address }),
    nat,
    ...(dhcpRange !== null && { dhcpRange }),
    ...(gateway !== null && { gateway }),
    nameServers: [...nameServers],
  }));
}
