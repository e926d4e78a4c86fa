import type { IpAddress } from "../ethernet/packed-address.ts";
import { dnsPort } from "./dns-proxy.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents } from "./outside.ts";

/**
 * Where the TCP connections of clients lead: those to port 53 of the virtual host to a resolver, others to where they are meant for.
 *
 * @param own addresses of the virtual host
 * @param mayReach whether clients may reach an address
 */
export function createRoute(
  outside: Outside,
  own: readonly IpAddress[],
  mayReach: (address: IpAddress) => boolean,
): (address: IpAddress, port: number) => ((events: OutsideTcpEvents) => OutsideTcp) | undefined {
  return (address, port) => {
    if (own.includes(address)) return port === dnsPort ? (events) => outside.connectDns(events) : undefined;
    return mayReach(address) ? (events) => outside.connectTcp(address, port, events) : undefined;
  };
}
