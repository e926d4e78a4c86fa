import { maskOf, type Ipv4Network } from "../ethernet/ipv4-network.ts";
import { outerNetwork } from "../secure-nat/kernel-nat.ts";

const mask = maskOf(outerNetwork.prefixLength) as number;

/**
 * Addresses that are no host's in the Internet and few use inside: for tests of networks (RFC 2544), then those that providers share
 * (RFC 6598).
 */
const ranges = [
  { first: 0xc612_0000, last: 0xc613_ffff },
  { first: 0x6440_0000, last: 0x647f_ffff },
] as const;

/** A way to so much is one to everywhere, as a VPN of the host itself sets it up beside the default route. */
const shortestPrefix = 0xff00_0000;

/**
 * Networks that the host has a way to of their own, from the text of `/proc/net/route`; lines that it does not know are left out.
 * Source: the kernel's net/ipv4/fib_trie.c, fib_route_seq_show.
 */
export function networksOfRoutes(text: string): Ipv4Network[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, destination, , , , , , maskText] = line.trim().split(/\s+/);
      const [network, mask] = [destination, maskText].map(addressOf);
      return network === undefined || mask === undefined || mask >>> 0 < shortestPrefix
        ? []
        : [{ network, mask }];
    });
}

/** The first network for an interface of ours that overlaps none of those; undefined when there is none. */
export function freeNetwork(taken: readonly Ipv4Network[]): Ipv4Network | undefined {
  for (const { first, last } of ranges) {
    for (let network: number = first; network <= last; network += outerNetwork.hosts) {
      if (!taken.some((other) => overlap({ network, mask }, other))) return { network, mask };
    }
  }
  return undefined;
}

function overlap(a: Ipv4Network, b: Ipv4Network): boolean {
  return ((a.network ^ b.network) & a.mask & b.mask) === 0;
}

/** Eight digits, in the order in which the bytes are in memory. */
function addressOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9A-F]{8}$/i.test(text)) return undefined;
  return Buffer.from(text, "hex").reverse().readUInt32BE();
}
