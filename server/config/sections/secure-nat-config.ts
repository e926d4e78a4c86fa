import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import { formatMac, macBytes, parseMac } from "../../ethernet/mac-address.ts";
import { defaultSecureNat, type SecureNatSettings } from "../../settings/secure-nat-settings.ts";
import { emptyFolder, FieldReader, fields, withFields } from "../text/config-fields.ts";
import { findFolder, type ConfigFolder } from "../text/config-text.ts";

/** The folder `SecureNAT` of a hub: whether it runs, and how it is set. */
export interface SecureNatSection {
  readonly enabled: boolean;
  readonly settings: SecureNatSettings;
}

/**
 * Reads the folder `SecureNAT` of a hub. What is not there is as in a new hub. Source: `Cedar/Server.c` SiLoadSecureNATCfg and
 * `Cedar/Nat.c` NiLoadVhOptionEx.
 *
 * @param mac of the virtual host where the file has none
 * @throws {ConfigFieldError} for an address that is none
 */
export function readSecureNat(folder: ConfigFolder, path: string, mac: Uint8Array): SecureNatSection {
  const readerOf = (name: string) =>
    new FieldReader(findFolder(folder, name) ?? emptyFolder(name), `${path}/${name}`);
  const [host, router, dhcp] = [
    readerOf("VirtualHost"),
    readerOf("VirtualRouter"),
    readerOf("VirtualDhcpServer"),
  ];
  const standard = defaultSecureNat;
  return {
    enabled: !new FieldReader(folder, path).bool("Disabled", true),
    settings: {
      host: {
        mac: readMac(host, "VirtualHostMacAddress") ?? mac,
        address: readAddress(host, "VirtualHostIp", standard.host.address),
        mask: readAddress(host, "VirtualHostIpSubnetMask", standard.host.mask),
      },
      nat: {
        enabled: router.bool("NatEnabled", standard.nat.enabled),
        mtu: router.uint("NatMtu", standard.nat.mtu),
        tcpTimeoutSeconds: router.uint("NatTcpTimeout", standard.nat.tcpTimeoutSeconds),
        udpTimeoutSeconds: router.uint("NatUdpTimeout", standard.nat.udpTimeoutSeconds),
      },
      dhcp: {
        enabled: dhcp.bool("DhcpEnabled", standard.dhcp.enabled),
        first: readAddress(dhcp, "DhcpLeaseIPStart", standard.dhcp.first),
        last: readAddress(dhcp, "DhcpLeaseIPEnd", standard.dhcp.last),
        mask: readAddress(dhcp, "DhcpSubnetMask", standard.dhcp.mask),
        leaseSeconds: dhcp.uint("DhcpExpireTimeSpan", standard.dhcp.leaseSeconds),
        gateway: readAddress(dhcp, "DhcpGatewayAddress", standard.dhcp.gateway),
        nameServers: [
          readAddress(dhcp, "DhcpDnsServerAddress", standard.dhcp.nameServers[0]),
          readAddress(dhcp, "DhcpDnsServerAddress2", standard.dhcp.nameServers[1]),
        ],
        domainName: dhcp.text("DhcpDomainName"),
        pushRoutes: dhcp.text("DhcpPushRoutes"),
      },
    },
  };
}

/** Writes the section into the folder; what it does not know stays. */
export function writeSecureNat({ enabled, settings }: SecureNatSection, former: ConfigFolder): ConfigFolder {
  const { host, nat, dhcp } = settings;
  const inner = (name: string) => findFolder(former, name) ?? emptyFolder(name);
  return withFields(former, {
    Disabled: fields.bool(!enabled),
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
    }),
  });
}

function address(value: number) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return fields.text(formatAddress(bytes));
}

function readAddress(reader: FieldReader, name: string, missing: number): number {
  const text = reader.text(name).trim();
  if (text === "") return missing;
  const bytes = parseAddress(text);
  if (bytes?.length !== 4) throw reader.error(name, "is no IPv4 address");
  return Buffer.from(bytes).readUInt32BE();
}

function readMac(reader: FieldReader, name: string): Uint8Array | undefined {
  const text = reader.text(name).trim();
  if (text === "") return undefined;
  const bytes = parseMac(text);
  if (bytes?.length !== macBytes) throw reader.error(name, "is no MAC address");
  return bytes;
}
