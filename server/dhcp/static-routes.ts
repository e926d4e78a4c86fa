import { isMask, maskOf, parseIpv4, prefixLengthOf } from "../ethernet/ipv4-network.ts";

/** A route that clients get, in numbers of 32 bits. */
export interface StaticRoute {
  readonly network: number;
  readonly mask: number;
  readonly gateway: number;
}

/** `DHCP_MAX_STATIC_ROUTES` of the official server. */
const mostRoutes = 64;

/** What is wrong with a list of routes, for people. */
export class StaticRoutesError extends Error {
  override readonly name = "StaticRoutesError";
}

/**
 * Reads routes in the form of `vpncmd DhcpSet /PUSHROUTE`: `192.168.5.0/255.255.255.0/192.168.4.253, 10.0.0.0/8/192.168.4.253`.
 *
 * @throws {StaticRoutesError} that names the route
 */
export function parseStaticRoutes(text: string): StaticRoute[] {
  const words = text.split(/[\s,]+/).filter(Boolean);
  if (words.length > mostRoutes)
    throw new StaticRoutesError(`${words.length} routes; ${mostRoutes} are allowed`);
  return words.map((word) => {
    const [network = "", mask = "", gateway = "", ...more] = word.split("/");
    const route = {
      network: parseIpv4(network),
      mask: /^\d{1,2}$/.test(mask) ? maskOf(Number(mask)) : parseIpv4(mask),
      gateway: parseIpv4(gateway),
    };
    if (more.length > 0 || Object.values(route).includes(undefined)) {
      throw new StaticRoutesError(`the route "${word}" is not NETWORK/MASK/GATEWAY`);
    }
    const { network: from, mask: bits } = route as StaticRoute;
    if (!isMask(bits)) throw new StaticRoutesError(`the mask of the route "${word}" has a gap`);
    if ((from & ~bits) !== 0)
      throw new StaticRoutesError(`the network of the route "${word}" has bits beside its mask`);
    return route as StaticRoute;
  });
}

/** The value of option 121 (RFC 3442): of each network the bytes that count only. */
export function encodeStaticRoutes(routes: readonly StaticRoute[]): Uint8Array {
  return Buffer.concat(
    routes.map(({ network, mask, gateway }) => {
      const bits = prefixLengthOf(mask);
      const bytes = Buffer.alloc(9);
      bytes[0] = bits;
      bytes.writeUInt32BE(network, 1);
      const significant = 1 + Math.ceil(bits / 8);
      bytes.writeUInt32BE(gateway, significant);
      return bytes.subarray(0, significant + 4);
    }),
  );
}
