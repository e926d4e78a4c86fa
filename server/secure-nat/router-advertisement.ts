import { encodeDomainName } from "../dhcp/domain-name.ts";
import { icmpv6Types } from "../ethernet/frame.ts";
import { ipv6Bytes, writeIpv6, type Ipv6Address } from "../ethernet/packed-address.ts";
import type { UniqueLocalPlan } from "../ethernet/unique-local.ts";
import { neighborOptions, optionUnit, writeLinkLayerOption } from "./neighbor-discovery.ts";
import type { Station } from "./packet-writer.ts";

/** What a router tells the stations of a link. */
export interface RouterAdvertisement {
  readonly router: Omit<Station, "address">;
  readonly network: UniqueLocalPlan["network"];
  readonly mtuBytes: number;
  readonly nameServers: readonly Ipv6Address[];
  /** Where names without dots belong; empty for none. */
  readonly domainName: string;
  /** Seconds for which stations may go by it; 0 to say that it is no router any more. */
  readonly lifetimeSeconds: number;
  /** How long an address of the network stays in use for connections that have it. */
  readonly validSeconds: number;
}

const headerBytes = 16;
const prefixOptionBytes = 32;
const hopLimit = 64;
/** More is to be had by DHCPv6, and this router comes before others (RFC 4191, section 2.2). */
const routerFlags = 0x40 | 0x08;
/** Who has the prefix is on this link, and stations may make addresses of it. */
const prefixFlags = 0x80 | 0x40;

/**
 * Writes a router advertisement (RFC 4861, section 4.2) at `at`, without its checksum.
 *
 * @returns where it ends
 */
export function writeRouterAdvertisement(buffer: Buffer, at: number, told: RouterAdvertisement): number {
  const { router, network, mtuBytes, nameServers, domainName, lifetimeSeconds } = told;
  buffer.fill(0, at, at + headerBytes);
  buffer[at] = icmpv6Types.routerAdvertisement;
  buffer[at + 4] = hopLimit;
  buffer[at + 5] = routerFlags;
  buffer.writeUInt16BE(lifetimeSeconds, at + 6);
  let end = writeLinkLayerOption(buffer, at + headerBytes, neighborOptions.sourceLinkLayer, router);
  end = beginOption(buffer, end, neighborOptions.mtu, optionUnit);
  buffer.writeUInt32BE(mtuBytes, end - 4);
  end = writePrefix(buffer, end, network, lifetimeSeconds, lifetimeSeconds === 0 ? 0 : told.validSeconds);
  if (nameServers.length > 0) {
    const option = end;
    end = beginOption(buffer, option, neighborOptions.nameServers, 8 + nameServers.length * ipv6Bytes);
    buffer.writeUInt32BE(lifetimeSeconds, option + 4);
    nameServers.forEach((address, index) => writeIpv6(buffer, option + 8 + index * ipv6Bytes, address));
  }
  const domain = encodeDomainName(domainName);
  if (domain === undefined) return end;
  const option = end;
  end = beginOption(buffer, option, neighborOptions.searchDomains, 8 + domain.length);
  buffer.writeUInt32BE(lifetimeSeconds, option + 4);
  domain.copy(buffer, option + 8);
  return end;
}

function writePrefix(
  buffer: Buffer,
  at: number,
  { first, prefixLength }: UniqueLocalPlan["network"],
  preferredSeconds: number,
  validSeconds: number,
): number {
  const end = beginOption(buffer, at, neighborOptions.prefix, prefixOptionBytes);
  buffer[at + 2] = prefixLength;
  buffer[at + 3] = prefixFlags;
  buffer.writeUInt32BE(validSeconds, at + 4);
  buffer.writeUInt32BE(preferredSeconds, at + 8);
  writeIpv6(buffer, at + 16, first);
  return end;
}

/** @returns where the option ends, of which everything but kind and length is zero */
function beginOption(buffer: Buffer, at: number, kind: number, bytes: number): number {
  const units = Math.ceil(bytes / optionUnit);
  const end = at + units * optionUnit;
  buffer.fill(0, at, end);
  buffer[at] = kind;
  buffer[at + 1] = units;
  return end;
}
