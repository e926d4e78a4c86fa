import { formatIpNetwork, parseIpNetwork, type IpNetwork } from "../../ethernet/ip-network.ts";
import { parseIpv4 } from "../../ethernet/ipv4-network.ts";
import { formatMac, macBytes, parseMac } from "../../ethernet/mac-address.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import {
  createSecureNatSettings,
  mapPerClient,
  natOptions,
  perClientOptions,
  secureNatRanges,
  type NatPerClient,
  type SecureNatSettings,
} from "../../settings/secure-nat-settings.ts";
import { emptyFolder, FieldReader, fields, withFields, type Field } from "../text/config-fields.ts";
import { findFolder, type ConfigFolder } from "../text/config-node.ts";

/** Not among the official ones, whose server reaches everything, by IPv4 alone. */
const ownNames = { openNetworks: "OpenNetworks", ipv6: "Ipv6" } as const;

/**
 * Reads the folder `SecureNAT` of a hub. What is not there is as in a new hub. Source: `Cedar/Server.c` SiLoadSecureNATCfg and
 * `Cedar/Nat.c` NiLoadVhOptionEx.
 *
 * @param mac of the virtual host where the file has none
 * @param options of the hub's folder `Option`
 * @throws {ConfigFieldError} for an address that is none
 */
export function readSecureNat(
  folder: ConfigFolder,
  path: string,
  mac: Uint8Array,
  options = new FieldReader(emptyFolder("Option"), "Option"),
): SecureNatSettings {
  const readerOf = (name: string) =>
    new FieldReader(findFolder(folder, name) ?? emptyFolder(name), `${path}/${name}`);
  const [host, router, dhcp] = [
    readerOf("VirtualHost"),
    readerOf("VirtualRouter"),
    readerOf("VirtualDhcpServer"),
  ];
  const standard = createSecureNatSettings(mac);
  return {
    enabled: !new FieldReader(folder, path).bool("Disabled", true),
    saveLog: new FieldReader(folder, path).bool("SaveLog", true),
    host: {
      mac: readMac(host, "VirtualHostMacAddress") ?? mac,
      address: readAddress(host, "VirtualHostIp", standard.host.address),
      mask: readAddress(host, "VirtualHostIpSubnetMask", standard.host.mask),
    },
    nat: {
      enabled: router.bool("NatEnabled", standard.nat.enabled),
      byKernel: !options.bool(natOptions.byKernel),
      bySockets: !options.bool(natOptions.bySockets),
      mtu: within("mtu", router.uint("NatMtu", standard.nat.mtu)),
      tcpTimeoutSeconds: within(
        "tcpTimeoutSeconds",
        router.uint("NatTcpTimeout", standard.nat.tcpTimeoutSeconds),
      ),
      udpTimeoutSeconds: within(
        "udpTimeoutSeconds",
        router.uint("NatUdpTimeout", standard.nat.udpTimeoutSeconds),
      ),
      openNetworks: readNetworks(router, ownNames.openNetworks),
      ipv6: router.bool(ownNames.ipv6, standard.nat.ipv6),
      perClient: mapPerClient((bound) => options.uint(perClientOptions[bound])),
    },
    dhcp: {
      enabled: dhcp.bool("DhcpEnabled", standard.dhcp.enabled),
      first: readAddress(dhcp, "DhcpLeaseIPStart", standard.dhcp.first),
      last: readAddress(dhcp, "DhcpLeaseIPEnd", standard.dhcp.last),
      mask: readAddress(dhcp, "DhcpSubnetMask", standard.dhcp.mask),
      leaseSeconds: within("leaseSeconds", dhcp.uint("DhcpExpireTimeSpan", standard.dhcp.leaseSeconds)),
      gateway: readAddress(dhcp, "DhcpGatewayAddress", standard.dhcp.gateway),
      nameServers: [
        readAddress(dhcp, "DhcpDnsServerAddress", standard.dhcp.nameServers[0]),
        readAddress(dhcp, "DhcpDnsServerAddress2", standard.dhcp.nameServers[1]),
      ],
      domainName: dhcp.text("DhcpDomainName"),
      pushRoutes: dhcp.text("DhcpPushRoutes"),
    },
  };
}

/** As the official server, which takes the nearest value that there may be. */
function within(name: keyof typeof secureNatRanges, value: number): number {
  const [least, most] = secureNatRanges[name];
  return Math.min(Math.max(value, least), most);
}

/** The items of the folder `Option`. */
export function writeNatOptions({ nat }: SecureNatSettings): Record<string, Field> {
  return {
    [natOptions.byKernel]: fields.bool(!nat.byKernel),
    [natOptions.bySockets]: fields.bool(!nat.bySockets),
    ...Object.fromEntries(
      Object.entries(perClientOptions).map(([bound, name]) => [
        name,
        fields.uint(nat.perClient[bound as keyof NatPerClient]),
      ]),
    ),
  };
}

/** Writes the section into the folder; what it does not know stays. */
export function writeSecureNat(
  { enabled, saveLog, host, nat, dhcp }: SecureNatSettings,
  former: ConfigFolder,
): ConfigFolder {
  const inner = (name: string) => findFolder(former, name) ?? emptyFolder(name);
  return withFields(former, {
    Disabled: fields.bool(!enabled),
    SaveLog: fields.bool(saveLog),
    VirtualDhcpServer: withFields(inner("VirtualDhcpServer"), {
      DhcpDnsServerAddress: address(dhcp.nameServers[0]),
      DhcpDnsServerAddress2: address(dhcp.nameServers[1]),
      DhcpDomainName: fields.text(dhcp.domainName),
      DhcpEnabled: fields.bool(dhcp.enabled),
      DhcpExpireTimeSpan: fields.uint(dhcp.leaseSeconds),
      DhcpGatewayAddress: address(dhcp.gateway),
      DhcpLeaseIPEnd: address(dhcp.last),
      DhcpLeaseIPStart: address(dhcp.first),
      DhcpPushRoutes: fields.text(dhcp.pushRoutes),
      DhcpSubnetMask: address(dhcp.mask),
    }),
    VirtualHost: withFields(inner("VirtualHost"), {
      VirtualHostIp: address(host.address),
      VirtualHostIpSubnetMask: address(host.mask),
      VirtualHostMacAddress: fields.text(formatMac(host.mac)),
    }),
    VirtualRouter: withFields(inner("VirtualRouter"), {
      NatEnabled: fields.bool(nat.enabled),
      NatMtu: fields.uint(nat.mtu),
      NatTcpTimeout: fields.uint(nat.tcpTimeoutSeconds),
      NatUdpTimeout: fields.uint(nat.udpTimeoutSeconds),
      [ownNames.openNetworks]:
        nat.openNetworks.length === 0
          ? undefined
          : fields.text(nat.openNetworks.map(formatIpNetwork).join(", ")),
      [ownNames.ipv6]: nat.ipv6 ? undefined : fields.bool(false),
    }),
  });
}

function address(value: number) {
  return fields.text(formatIpv4(value));
}

function readAddress(reader: FieldReader, name: string, missing: number): number {
  const text = reader.text(name).trim();
  if (text === "") return missing;
  const value = parseIpv4(text);
  if (value === undefined) throw reader.error(name, "is no IPv4 address");
  return value;
}

function readNetworks(reader: FieldReader, name: string): readonly IpNetwork[] {
  const words = reader
    .text(name)
    .split(/[\s,]+/)
    .filter(Boolean);
  return words.map((word) => {
    const network = parseIpNetwork(word);
    if (network === undefined) throw reader.error(name, "holds what is no network");
    return network;
  });
}

function readMac(reader: FieldReader, name: string): Uint8Array | undefined {
  const text = reader.text(name).trim();
  if (text === "") return undefined;
  const bytes = parseMac(text);
  if (bytes?.length !== macBytes) throw reader.error(name, "is no MAC address");
  return bytes;
}
