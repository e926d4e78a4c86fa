import { StaticRoutesError, parseStaticRoutes } from "../../dhcp/static-routes.ts";
import { parseIpv4 } from "../../ethernet/ipv4-network.ts";
import { formatIpAddress, type IpAddress } from "../../ethernet/packed-address.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import { macBytes } from "../../ethernet/mac-address.ts";
import { secureNatRanges, type SecureNatSettings } from "../../settings/secure-nat-settings.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import type { NatEntry } from "../../secure-nat/nat-entry.ts";
import type { Administration, KernelConnections, SecureNatReport } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { ownerOf, RpcError, type RequestOf } from "../rpc.ts";
import { wordsOf } from "../../error-words.ts";
import { mapped, turns } from "../../turns.ts";
import { findHub, updateHub } from "./find-hub.ts";

/** `NAT_TCP` and so on (`Cedar/Virtual.h`). */
const natProtocols = { tcp: 0, udp: 1, ping: 3 } as const;
/** `NAT_TCP_CONNECTING` and so on. */
const tcpStatuses = {
  connecting: 0,
  established: 3,
  closing: 4,
  "time-wait": 4,
  closed: 4,
  none: 0,
} as const;

/** The virtual host of a hub, its DHCP and its NAT. */
export function createSecureNatHandlers(administration: Administration): RpcHandlers {
  const { settings } = administration;
  const reportOf = (hubName: string): SecureNatReport => {
    findHub(settings(), hubName);
    // As there, one that does not run has nothing to tell, and is no error.
    return administration.secureNat(hubName) ?? notRunning;
  };
  const switchTo = async (hubName: string, enabled: boolean) => {
    await updateHub(administration, hubName, (hub) =>
      hub.secureNat.enabled === enabled ? hub : { ...hub, secureNat: { ...hub.secureNat, enabled } },
    );
    return {};
  };
  return {
    EnableSecureNAT: ({ HubName }) => switchTo(HubName, true),
    DisableSecureNAT: ({ HubName }) => switchTo(HubName, false),
    GetSecureNATOption: ({ RpcHubName }) => optionOf(findHub(settings(), RpcHubName).secureNat),
    SetSecureNATOption: async (request, { administrator }) => {
      await updateHub(administration, request.RpcHubName, (hub) => {
        const secureNat = withOption(hub.secureNat, request);
        if (administrator.type === "hub") checkSwitches(hub, secureNat);
        return { ...hub, secureNat };
      });
      return {};
    },
    GetSecureNATStatus: async ({ HubName }) => {
      const { counts, kernel } = reportOf(HubName);
      // The table of connections says why the kernel does not tell.
      const followed = (await kernel?.().catch(() => undefined))?.counts ?? noConnections;
      return {
        NumTcpSessions: counts.tcp + followed.tcp,
        NumUdpSessions: counts.udp + followed.udp,
        NumIcmpSessions: counts.ping + followed.ping,
        NumDnsSessions: counts.dns,
        NumDhcpClients: counts.leases,
        IsKernelMode: kernel !== undefined,
        IsRawIpMode: false,
      };
    },
    EnumNAT: async ({ HubName }, { administrator }) => {
      const { mappings, kernel } = reportOf(HubName);
      const followed = kernel === undefined ? [] : await toldBy(kernel);
      const NatTable = await turns.run(mapped(both(mappings, followed), natItem), ownerOf(administrator));
      return { NumItem: NatTable.length, NatTable };
    },
    EnumDHCP: ({ HubName }) => {
      const { leases } = reportOf(HubName);
      const { mask } = findHub(settings(), HubName).secureNat.dhcp;
      return {
        NumItem: leases.length,
        DhcpTable: leases.map(({ address, mac, hostName, leasedAt, expiresAt }, index) => ({
          Id: index + 1,
          LeasedTime: leasedAt,
          ExpireTime: expiresAt,
          MacAddress: Buffer.from(mac, "hex"),
          IpAddress: formatIpv4(address),
          Mask: swapped(mask),
          Hostname: hostName,
        })),
      };
    },
  };
}

const noConnections = { tcp: 0, udp: 0, ping: 0 } as const;

/** @throws {RpcError} notSupported where the kernel does not tell what it follows */
async function toldBy(kernel: () => Promise<KernelConnections>): Promise<Iterable<NatEntry>> {
  try {
    return (await kernel()).mappings;
  } catch (error) {
    throw new RpcError("notSupported", `the host's kernel does not tell its connections: ${wordsOf(error)}`);
  }
}

function* both<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}

const notRunning: SecureNatReport = {
  counts: { tcp: 0, udp: 0, dns: 0, ping: 0, leases: 0 },
  kernel: undefined,
  leases: [],
  mappings: [],
};

function natItem(mapping: NatEntry, index: number) {
  const { protocol, client, clientPort, remote, remotePort, createdAt, usedAt, sent, received, state } =
    mapping;
  return {
    Id: index + 1,
    Protocol: natProtocols[protocol],
    SrcIp: ipv4Of(client),
    SrcHost: formatIpAddress(client),
    SrcPort: clientPort,
    DestIp: ipv4Of(remote),
    DestHost: formatIpAddress(remote),
    DestPort: remotePort,
    CreatedTime: createdAt,
    LastCommTime: usedAt,
    SendSize: sent,
    RecvSize: received,
    TcpStatus: tcpStatuses[state],
  };
}

/** The official server knows addresses of IPv4 alone here; one of IPv6 stands in the field of the host's name. */
function ipv4Of(address: IpAddress): string {
  return typeof address === "number" ? formatIpv4(address) : "";
}

/** An address in the order of its bytes in memory, as the official server sends it here. */
function swapped(address: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return bytes.readUInt32LE();
}

function optionOf({ saveLog, host, nat, dhcp }: SecureNatSettings) {
  return {
    MacAddress: Buffer.from(host.mac),
    Ip: formatIpv4(host.address),
    Mask: formatIpv4(host.mask),
    UseNat: nat.enabled,
    Mtu: nat.mtu,
    NatTcpTimeout: nat.tcpTimeoutSeconds,
    NatUdpTimeout: nat.udpTimeoutSeconds,
    UseDhcp: dhcp.enabled,
    DhcpLeaseIPStart: formatIpv4(dhcp.first),
    DhcpLeaseIPEnd: formatIpv4(dhcp.last),
    DhcpSubnetMask: formatIpv4(dhcp.mask),
    DhcpExpireTimeSpan: dhcp.leaseSeconds,
    DhcpGatewayAddress: formatIpv4(dhcp.gateway),
    DhcpDnsServerAddress: formatIpv4(dhcp.nameServers[0]),
    DhcpDnsServerAddress2: formatIpv4(dhcp.nameServers[1]),
    DhcpDomainName: dhcp.domainName,
    SaveLog: saveLog,
    ApplyDhcpPushRoutes: true,
    DhcpPushRoutes: dhcp.pushRoutes,
  };
}

type OptionRequest = RequestOf<typeof rpcs.SetSecureNATOption>;

/** @throws {RpcError} invalidParameter for what a virtual host could not work with */
function withOption(former: SecureNatSettings, request: OptionRequest): SecureNatSettings {
  const address = (text: string): number => {
    const value = parseIpv4(text || "0.0.0.0");
    if (value === undefined) throw new RpcError("invalidParameter", `"${text}" is no IPv4 address`);
    return value;
  };
  const within = (value: number, [least, most]: readonly [number, number]) =>
    Math.min(Math.max(value, least), most);
  const first = address(request.DhcpLeaseIPStart);
  const last = address(request.DhcpLeaseIPEnd);
  if (request.UseDhcp && first > last)
    throw new RpcError("invalidParameter", "the range of addresses ends before it begins");
  if (request.ApplyDhcpPushRoutes) checkRoutes(request.DhcpPushRoutes);
  const { MacAddress } = request;
  return {
    enabled: former.enabled,
    saveLog: request.SaveLog,
    host: {
      mac:
        MacAddress.length === macBytes && MacAddress.some((byte) => byte !== 0)
          ? Uint8Array.from(MacAddress)
          : former.host.mac,
      address: address(request.Ip),
      mask: address(request.Mask),
    },
    nat: {
      ...former.nat,
      enabled: request.UseNat,
      mtu: within(request.Mtu, secureNatRanges.mtu),
      tcpTimeoutSeconds: within(request.NatTcpTimeout, secureNatRanges.tcpTimeoutSeconds),
      udpTimeoutSeconds: within(request.NatUdpTimeout, secureNatRanges.udpTimeoutSeconds),
    },
    dhcp: {
      enabled: request.UseDhcp,
      first,
      last,
      mask: address(request.DhcpSubnetMask),
      leaseSeconds: within(request.DhcpExpireTimeSpan, secureNatRanges.leaseSeconds),
      gateway: address(request.DhcpGatewayAddress),
      nameServers: [address(request.DhcpDnsServerAddress), address(request.DhcpDnsServerAddress2)],
      domainName: request.DhcpDomainName,
      pushRoutes: request.ApplyDhcpPushRoutes ? request.DhcpPushRoutes : former.dhcp.pushRoutes,
    },
  };
}

/**
 * What the administrator of a hub may not switch on. Source: `Cedar/Admin.c` StSetSecureNATOption.
 *
 * @throws {RpcError} notEnoughRights
 */
function checkSwitches({ adminOptions, secureNat: former }: HubSettings, { nat, dhcp }: SecureNatSettings) {
  for (const [option, isNew] of [
    ["no_securenat_enablenat", nat.enabled && !former.nat.enabled],
    ["no_securenat_enabledhcp", dhcp.enabled && !former.dhcp.enabled],
  ] as const) {
    if (isNew && adminOptions[option]) {
      throw new RpcError("notEnoughRights", `${option} of the hub forbids it`);
    }
  }
}

function checkRoutes(text: string): void {
  try {
    parseStaticRoutes(text);
  } catch (error) {
    if (error instanceof StaticRoutesError) throw new RpcError("invalidParameter", error.message);
    throw error;
  }
}
