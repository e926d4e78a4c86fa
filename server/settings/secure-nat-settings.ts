import type { IpNetwork } from "../ethernet/ip-network.ts";

/** The virtual host of a hub, with DHCP and NAT. Addresses are numbers of 32 bits, 0 for none. */
export interface SecureNatSettings {
  readonly enabled: boolean;
  /** Whether the hub's log tells of leases and connections. */
  readonly saveLog: boolean;
  readonly host: {
    /** 6 bytes. */
    readonly mac: Uint8Array;
    readonly address: number;
    readonly mask: number;
  };
  readonly nat: {
    readonly enabled: boolean;
    /** Whether the host's kernel may translate; it comes first. */
    readonly byKernel: boolean;
    /** Whether sockets of the server may. */
    readonly bySockets: boolean;
    /** Of packets to clients, in bytes. */
    readonly mtu: number;
    readonly tcpTimeoutSeconds: number;
    readonly udpTimeoutSeconds: number;
    /** What clients reach of the networks that are closed to them (`secure-nat/reachable-addresses`). */
    readonly openNetworks: readonly IpNetwork[];
    /** Whether clients get addresses of IPv6 too, and what they send by it is translated or refused; {@link speaksIpv6} has the rest. */
    readonly ipv6: boolean;
    readonly perClient: NatPerClient;
  };
  readonly dhcp: {
    readonly enabled: boolean;
    readonly first: number;
    readonly last: number;
    readonly mask: number;
    readonly leaseSeconds: number;
    readonly gateway: number;
    readonly nameServers: readonly [number, number];
    readonly domainName: string;
    /** Routes in the form of `vpncmd DhcpSet /PUSHROUTE`. */
    readonly pushRoutes: string;
  };
}

/** The most of each that a client may have at the same time; 0 leaves the bound of the server. */
export interface NatPerClient {
  readonly tcp: number;
  /** TCP connections that nobody has answered yet. */
  readonly connecting: number;
  readonly udp: number;
  readonly dns: number;
  readonly ping: number;
}

/** Least and most of what has bounds (`Cedar/Virtual.h`). */
export const secureNatRanges = {
  mtu: [64, 1_500],
  tcpTimeoutSeconds: [60, 2_000_000],
  udpTimeoutSeconds: [10, 2_000_000],
  leaseSeconds: [15, 2_000_000],
} as const;

/**
 * Of a new hub, as the official server has them (`Cedar/Nat.c`, NiSetDefaultVhOption): switched off.
 *
 * @param mac of the virtual host, which each hub has its own of
 */
export function createSecureNatSettings(mac: Uint8Array): SecureNatSettings {
  return {
    enabled: false,
    saveLog: true,
    host: { mac, address: 0xc0a8_1e01, mask: 0xffff_ff00 },
    nat: {
      enabled: true,
      byKernel: true,
      bySockets: true,
      mtu: 1_500,
      tcpTimeoutSeconds: 1_800,
      udpTimeoutSeconds: 60,
      openNetworks: [],
      ipv6: true,
      perClient: { tcp: 0, connecting: 0, udp: 0, dns: 0, ping: 0 },
    },
    dhcp: {
      enabled: true,
      first: 0xc0a8_1e0a,
      last: 0xc0a8_1ec8,
      mask: 0xffff_ff00,
      leaseSeconds: 7_200,
      gateway: 0xc0a8_1e01,
      nameServers: [0xc0a8_1e01, 0],
      domainName: "",
      pushRoutes: "",
    },
  };
}

/** The hub's options by which each way to translate is forbidden. */
export const natOptions = {
  byKernel: "DisableKernelModeSecureNAT",
  bySockets: "DisableUserModeSecureNAT",
} as const satisfies Partial<Record<keyof SecureNatSettings["nat"], string>>;

/** The hub's options by which a client is held to less. */
export const perClientOptions = {
  tcp: "SecureNAT_MaxTcpSessionsPerIp",
  connecting: "SecureNAT_MaxTcpSynSentPerIp",
  udp: "SecureNAT_MaxUdpSessionsPerIp",
  dns: "SecureNAT_MaxDnsSessionsPerIp",
  ping: "SecureNAT_MaxIcmpSessionsPerIp",
} as const satisfies Record<keyof NatPerClient, string>;

/** The bounds of a client, one by one. */
export function mapPerClient(value: (bound: keyof NatPerClient) => number): NatPerClient {
  return {
    tcp: value("tcp"),
    connecting: value("connecting"),
    udp: value("udp"),
    dns: value("dns"),
    ping: value("ping"),
  };
}

/**
 * Whether the virtual host is a router of IPv6: where it is the way of clients to all networks by IPv4, too. Another router's clients are to
 * use that one, be it a DHCP server's of a LAN that the hub is bridged to.
 */
export function speaksIpv6({ host, nat, dhcp }: SecureNatSettings): boolean {
  return nat.ipv6 && nat.enabled && dhcp.enabled && dhcp.gateway === host.address;
}
