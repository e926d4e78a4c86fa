import { parseAddress } from "./ip-address.ts";

/** Networks that nobody on the Internet is in, as their first bits. */
const privateNetworks = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"],
  ...["fc00::/7", "fe80::/10", "::1/128"],
].map(addressRange);

/** Parts of the Internet that are larger are nobody's own network: the largest that anybody was ever given has as many bits. */
const leastBits = { ipv4: 8, ipv6: 16 };

/** An address, of which the first bits count. */
export interface AddressRange {
  readonly address: Uint8Array;
  readonly bits: number;
}

/** An address, or a network as `ADDRESS/BITS`; undefined for any other text. */
export function addressRange(text: string): AddressRange | undefined {
  const [addressText = "", bitsText, ...rest] = text.split("/");
  const address = parseAddress(addressText);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = bitsText === undefined ? address.length * 8 : Number(bitsText);
  return Number.isInteger(bits) && bits >= 0 ? { address, bits } : undefined;
}

/** Whether a network as `ADDRESS/BITS` holds the Internet, or a part of it that is as good as all. */
export function isTheWorld(text: string): boolean {
  const network = addressRange(text);
  if (network === undefined || isPrivate(network)) return false;
  return network.bits < (network.address.length === 4 ? leastBits.ipv4 : leastBits.ipv6);
}

/** Whether nobody on the Internet is in it. */
export function isPrivate(network: AddressRange): boolean {
  return privateNetworks.some((known) => known !== undefined && isWithin(network, known));
}

function isWithin(inner: AddressRange, outer: AddressRange): boolean {
  if (inner.address.length !== outer.address.length || inner.bits < outer.bits) return false;
  return outer.address.every((byte, index) => {
    const kept = Math.min(Math.max(outer.bits - index * 8, 0), 8);
    const mask = 0xff & (0xff << (8 - kept));
    return (byte & mask) === ((inner.address[index] ?? 0) & mask);
  });
}
