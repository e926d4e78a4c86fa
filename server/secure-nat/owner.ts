import type { IpAddress } from "../ethernet/packed-address.ts";

/**
 * Who is held to the bounds of a client: an IPv4 address. Of IPv6, of which a client gives itself as many addresses as it likes, it is the
 * session.
 *
 * @param from number of the port that the client is at
 */
export function ownerOf(address: IpAddress, from: number): number {
  return typeof address === "number" ? address : -1 - from;
}
