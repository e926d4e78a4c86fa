import { dhcpLimits } from "../limits.ts";
import { dhcpv6Options, dhcpv6Types, type Dhcpv6Message } from "./dhcpv6-message.ts";
import { encodeDomainName } from "./domain-name.ts";

export interface Dhcpv6Plan {
  /** MAC address of the server, 6 bytes, by which clients know it. */
  readonly mac: Uint8Array;
  /** Addresses of name servers, 16 bytes each. */
  readonly nameServers: readonly Uint8Array[];
  /** Where names without dots belong; empty for none. */
  readonly domainName: string;
}

/** An identifier that is made of a MAC address (DUID-LL, RFC 8415, section 11.4): its kind, and that of Ethernet. */
const linkLayerId = Buffer.from("00030001", "hex");

/**
 * Tells clients the name servers (stateless DHCPv6, RFC 8415, section 18.3.6); addresses they make themselves.
 *
 * @returns undefined for what is not to be answered
 */
export function answerDhcpv6(message: Dhcpv6Message, plan: Dhcpv6Plan): Dhcpv6Message | undefined {
  const { type, transactionId, options } = message;
  const { clientId, serverId, addresses, temporaryAddresses, prefixes } = dhcpv6Options;
  if (type !== dhcpv6Types.informationRequest) return undefined;
  // Section 16.12.
  if ([addresses, temporaryAddresses, prefixes].some((kind) => options.has(kind))) return undefined;
  const ownId = Buffer.concat([linkLayerId, plan.mac]);
  const wantedId = options.get(serverId);
  if (wantedId !== undefined && !ownId.equals(wantedId)) return undefined;
  const client = options.get(clientId);
  if (client !== undefined && client.length > dhcpLimits.clientIdBytes) return undefined;
  const domain = encodeDomainName(plan.domainName);
  return {
    type: dhcpv6Types.reply,
    transactionId,
    options: new Map<number, Uint8Array>([
      ...(client === undefined ? [] : ([[clientId, client]] as const)),
      [serverId, ownId],
      ...(plan.nameServers.length === 0
        ? []
        : ([[dhcpv6Options.nameServers, Buffer.concat(plan.nameServers)]] as const)),
      ...(domain === undefined ? [] : ([[dhcpv6Options.searchDomains, domain]] as const)),
    ]),
  };
}
