import { isIPv4 } from "node:net";

/** Whether a peer with this address is on the same host. */
export function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith("127.") : address === "::1";
}
