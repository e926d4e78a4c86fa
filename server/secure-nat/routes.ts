import { dnsPort } from "./dns-proxy.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents } from "./outside.ts";

/**
 * Where the TCP connections of clients lead: those to port 53 of the virtual host to a resolver, others to where they are meant for.
 *
 * @param mayReach whether clients may reach an address
 */
export function createRoute(
  outside: Outside,
  host: number,
  mayReach: (address: number) => boolean,
): (address: number, port: number) => ((events: OutsideTcpEvents) => OutsideTcp) | undefined {
  return (address, port) => {
    if (address === host) return port === dnsPort ? (events) => outside.connectDns(events) : undefined;
    return mayReach(address) ? (events) => outside.connectTcp(address, port, events) : undefined;
  };
}
