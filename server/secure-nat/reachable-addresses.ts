import { hasAddress, parseIpNetwork, type IpNetwork } from "../ethernet/ip-network.ts";
import type { IpAddress, Ipv6Address } from "../ethernet/packed-address.ts";

/**
 * Networks that clients do not reach through a NAT: those of the host itself, and those that mean something else seen from there than
 * from the client. Cloud providers give machines their secrets at such addresses, which are not link-local with all of them.
 */
const closed: readonly IpNetwork[] = [
  // This network.
  "0.0.0.0/8",
  // Loopback.
  "127.0.0.0/8",
  // Link-local, with the metadata of most clouds.
  "169.254.0.0/16",
  // Metadata of Alibaba Cloud, what Azure tells its machines, metadata of Oracle Cloud Classic.
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
  // Multicast, reserved, broadcast.
  "224.0.0.0/3",
  // Unspecified, loopback, and IPv4 addresses in forms that no packet has, or that lead where only the host knows.
  "::/8",
  // Link-local.
  "fe80::/10",
  // Multicast.
  "ff00::/8",
  // What AWS has at a link-local address of IPv4.
  "fd00:ec2::/32",
  // The metadata of Google Cloud and of Oracle Cloud.
  "fd20:ce::254/128",
  "fd00:c1::a9fe:a9fe/128",
].map(networkOf);

/** IPv6 addresses that stand for an IPv4 address, which is at a bit of theirs: NAT64 (RFC 6052) and 6to4 (RFC 3056). */
const standIns = [
  { network: networkOf("64:ff9b::/96"), ipv4At: 96 },
  { network: networkOf("2002::/16"), ipv4At: 16 },
] as const;

/**
 * Whether clients may reach an address. One of IPv6 that stands for one of IPv4 is as that one.
 *
 * @param open what they reach all the same
 */
export function isReachable(address: IpAddress, open: readonly IpNetwork[]): boolean {
  if (open.some((network) => hasAddress(network, address))) return true;
  const standIn = standIns.find(({ network }) => hasAddress(network, address));
  if (standIn !== undefined && typeof address === "string")
    return isReachable(ipv4Of(address, standIn.ipv4At), open);
  return closed.every((network) => !hasAddress(network, address));
}

function ipv4Of(address: Ipv6Address, bit: number): number {
  const index = bit / 16;
  return ((address.charCodeAt(index) << 16) | address.charCodeAt(index + 1)) >>> 0;
}

function networkOf(text: string): IpNetwork {
  const network = parseIpNetwork(text);
  if (network === undefined) throw new Error(`"${text}" is no network`);
  return network;
}
