import { formatAddress } from "./ip-address.ts";

/** The text of a MAC address, such as `5E-00-00-00-00-01`; the first word has its first 16 bits. */
export function formatMac(word0: number, word1: number): string {
  return [word0 >> 8, word0, word1 >> 24, word1 >> 16, word1 >> 8, word1]
    .map((byte) => (byte & 0xff).toString(16).padStart(2, "0").toUpperCase())
    .join("-");
}

/** The text of an IPv4 address. */
export function formatIpv4(address: number): string {
  return [address >>> 24, address >>> 16, address >>> 8, address].map((byte) => byte & 0xff).join(".");
}

/** The text of an IP address, of which IPv4 is `::ffff:a.b.c.d` in words. */
export function formatIp(words: readonly [number, number, number, number]): string {
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return formatIpv4(words[3]);
  const bytes = Buffer.alloc(16);
  words.forEach((word, index) => bytes.writeInt32BE(word, index * 4));
  return formatAddress(bytes);
}
