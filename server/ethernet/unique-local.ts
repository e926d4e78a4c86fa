import { createHash } from "node:crypto";
import { macBytes } from "./mac-address.ts";
import type { Ipv6Network } from "./ip-network.ts";
import { ipv6At, ipv6Bytes, type Ipv6Address } from "./packed-address.ts";

/** IPv6 addresses of a router, and the network that it makes for others. */
export interface UniqueLocalPlan {
  readonly linkLocal: Ipv6Address;
  /** Its address in the network. */
  readonly address: Ipv6Address;
  /** A /64. */
  readonly network: Ipv6Network;
}

const networkPrefixLength = 64;
const globalIdBytes = 5;

/**
 * The plan that follows from a MAC address: a unique local network (RFC 4193), whose 40 bits nobody else is likely to have, and which is the
 * same as long as the MAC address is. The RFC mixes the time in, so that two networks of one machine differ; here each has a MAC address of
 * its own.
 *
 * @param mac 6 bytes
 */
export function uniqueLocalPlanOf(mac: Uint8Array): UniqueLocalPlan {
  if (mac.length !== macBytes) throw new RangeError(`a MAC address of ${mac.length} bytes`);
  const eui64 = interfaceIdOf(mac);
  const digest = createHash("sha256").update(eui64).digest();
  const first = Buffer.alloc(ipv6Bytes);
  first[0] = 0xfd;
  digest.copy(first, 1, digest.length - globalIdBytes);
  const address = Buffer.from(first);
  address[ipv6Bytes - 1] = 1;
  const linkLocal = Buffer.alloc(ipv6Bytes);
  linkLocal.writeUInt16BE(0xfe80);
  eui64.copy(linkLocal, ipv6Bytes - eui64.length);
  return {
    linkLocal: ipv6At(linkLocal, 0),
    address: ipv6At(address, 0),
    network: { first: ipv6At(first, 0), prefixLength: networkPrefixLength },
  };
}

/** The interface identifier that follows from a MAC address (RFC 4291, appendix A). */
function interfaceIdOf([first = 0, ...rest]: Uint8Array): Buffer {
  return Buffer.from([first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]);
}
