import { parseAddress } from "./ip-address.ts";
import { formatIpv4 } from "./word-address.ts";

/** Addresses of IPv4 that begin alike. Both are numbers of 32 bits. */
export interface Ipv4Network {
  /** The first of them. */
  readonly network: number;
  readonly mask: number;
}

/** The number of an IPv4 address in text form; undefined for any other text. */
export function parseIpv4(text: string): number | undefined {
  const bytes = parseAddress(text);
  return bytes?.length === 4 ? Buffer.from(bytes).readUInt32BE() : undefined;
}

/** `192.168.30.1/24`, an address with the length of its network's prefix; an address alone is its own network. */
export function parseIpv4WithPrefix(text: string): { address: number; mask: number } | undefined {
  const [addressText = "", prefixText = "32", ...more] = text.split("/");
  const address = parseIpv4(addressText);
  const mask = /^\d{1,2}$/.test(prefixText) ? maskOf(Number(prefixText)) : undefined;
  return address === undefined || mask === undefined || more.length > 0 ? undefined : { address, mask };
}

/** `10.0.0.0/8`; bits beyond the prefix are cleared. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const found = parseIpv4WithPrefix(text);
  return found && { network: (found.address & found.mask) >>> 0, mask: found.mask };
}

export function formatIpv4Network({ network, mask }: Ipv4Network): string {
  return `${formatIpv4(network)}/${prefixLengthOf(mask)}`;
}

export function isInNetwork(address: number, { network, mask }: Ipv4Network): boolean {
  return ((address ^ network) & mask) === 0;
}

/** Whether all ones come before all zeros. */
export function isMask(mask: number): boolean {
  const zeros = ~mask >>> 0;
  return (zeros & (zeros + 1)) === 0;
}

export function prefixLengthOf(mask: number): number {
  return Math.clz32(~mask >>> 0);
}

/** The mask of a prefix; undefined for a length that there is not. */
export function maskOf(prefixLength: number): number | undefined {
  if (prefixLength > 32) return undefined;
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}
