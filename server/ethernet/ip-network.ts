import { formatIpv4Network, isInNetwork, parseIpv4Network, type Ipv4Network } from "./ipv4-network.ts";
import { formatIpAddress, parseIpAddress, type IpAddress, type Ipv6Address } from "./packed-address.ts";

/** Addresses of IPv6 that begin alike. */
export interface Ipv6Network {
  /** The first of them. */
  readonly first: Ipv6Address;
  /** Bits that are alike, 0 to 128. */
  readonly prefixLength: number;
}

export type IpNetwork = Ipv4Network | Ipv6Network;

const addressBits = 128;
const wordBits = 16;

/** `10.0.0.0/8` or `2001:db8::/32`; bits beyond the prefix are cleared. An address alone is its own network. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  return text.includes(":") ? parseIpv6Network(text) : parseIpv4Network(text);
}

export function parseIpv6Network(text: string): Ipv6Network | undefined {
  const [addressText = "", prefixText = String(addressBits), ...more] = text.split("/");
  // A zone, such as that of `fe80::1%eth0`, belongs to no network.
  const address = addressText.includes("%") ? undefined : parseIpAddress(addressText);
  const prefixLength = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Infinity;
  if (typeof address !== "string" || prefixLength > addressBits || more.length > 0) return undefined;
  // By index: two characters may look like one to an iterator.
  const words = Array.from({ length: addressBits / wordBits }, (_, index) => {
    return address.charCodeAt(index) & maskAt(index, prefixLength);
  });
  return { first: String.fromCharCode(...words), prefixLength };
}

export function formatIpNetwork(network: IpNetwork): string {
  return "first" in network
    ? `${formatIpAddress(network.first)}/${network.prefixLength}`
    : formatIpv4Network(network);
}

/** Whether a network has an address; one of the other version of IP has it never. */
export function hasAddress(network: IpNetwork, address: IpAddress): boolean {
  if (typeof address === "number") return "mask" in network && isInNetwork(address, network);
  return "first" in network && isInIpv6Network(address, network);
}

export function isInIpv6Network(address: Ipv6Address, { first, prefixLength }: Ipv6Network): boolean {
  for (let index = 0; index * wordBits < prefixLength; index++) {
    const difference = address.charCodeAt(index) ^ first.charCodeAt(index);
    if ((difference & maskAt(index, prefixLength)) !== 0) return false;
  }
  return true;
}

/** The bits of the word at `index` that a prefix has. */
function maskAt(index: number, prefixLength: number): number {
  const bits = Math.min(Math.max(prefixLength - index * wordBits, 0), wordBits);
  return (0xffff << (wordBits - bits)) & 0xffff;
}
