import { addressRange, isPrivate } from "../server/ethernet/world-network.ts";

/**
 * Whether the Internet may reach a host.
 *
 * @param privateHosts names that it cannot reach; one that begins with `.` stands for all that end in it
 */
export function isPublicHost(host: string, privateHosts: readonly string[]): boolean {
  const range = addressRange(host);
  if (range !== undefined) return !isPrivate(range);
  const name = host.toLowerCase().replace(/\.$/, "");
  return ![...privateHosts, "localhost"].some((entry) => {
    const other = entry.toLowerCase();
    return other.startsWith(".") ? name.endsWith(other) : name === other;
  });
}
