import { integer, listOf, nullOr, objectOf, optional, text, trueOrFalse } from "./json-reader.ts";

/** The network that a hub's SecureNAT makes for clients. */
export interface HubNetwork {
  readonly hub: string;
  /** Of the virtual host, with the prefix of the network, such as `192.168.30.1/24`. */
  readonly address: string;
  /** The same of IPv6, where the virtual host speaks it, such as `fd00:1:2::1/64`. */
  readonly ipv6Address?: string;
  /** Whether it leads to the networks of the host. */
  readonly nat: boolean;
  /** Addresses that clients get, such as `192.168.30.10-192.168.30.200`; `null` without DHCP. */
  readonly dhcpRange: string | null;
  readonly leaseSeconds: number;
  /** `null` for none. */
  readonly gateway: string | null;
  readonly nameServers: readonly string[];
}

export const hubNetwork = objectOf<HubNetwork>({
  hub: text,
  address: text,
  ipv6Address: optional(text),
  nat: trueOrFalse,
  dhcpRange: nullOr(text),
  leaseSeconds: integer(0),
  gateway: nullOr(text),
  nameServers: listOf(text),
});
