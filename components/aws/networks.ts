import { formatAddress, parseAddress } from "../../server/ethernet/ip-address.ts";
import { describeValue, isLeftOut } from "../arguments/argument-kind.ts";

/** Everybody, as a security group says it. */
export const everywhere = ["0.0.0.0/0", "::/0"] as const;

/** What is wrong with a list of networks from which somebody may come, each as `ADDRESS/BITS`. */
export function networkProblems(path: string, value: unknown): string[] {
  if (isLeftOut(value)) return [];
  if (!Array.isArray(value)) {
    return [
      `${path} is ${describeValue(value)}: a list of networks is needed, such as ["203.0.113.7/32", "2001:db8::/32"]`,
    ];
  }
  const seen = new Set<string>();
  return value.flatMap((network: unknown, index) => {
    const problem = networkProblem(network);
    if (problem !== undefined) return [`${path}[${index}] is ${describeValue(network)}${problem}`];
    if (seen.has(network as string))
      return [`${path}[${index}] is ${describeValue(network)}, as one before it`];
    seen.add(network as string);
    return [];
  });
}

/** Why AWS would not take a network, or would turn it into another one that the next `up` takes for a change. */
function networkProblem(text: unknown): string | undefined {
  const needed = ': a network is needed, such as "203.0.113.0/24" or "2001:db8::/32"';
  if (typeof text !== "string") return needed;
  const [addressText = "", bitsText, ...rest] = text.split("/");
  const address = parseAddress(addressText);
  if (address === undefined || rest.length > 0) return needed;
  const width = address.length * 8;
  if (bitsText === undefined) return `, an address: for it alone give "${addressText}/${width}"`;
  const bits = /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Infinity;
  if (bits > width) return `: behind "/" the number of bits is needed, 0 to ${width}`;
  const canonical = `${formatAddress(masked(address, bits))}/${bits}`;
  return canonical === text ? undefined : `: AWS writes this network as "${canonical}"`;
}

function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, index) => {
    const kept = Math.min(Math.max(bits - index * 8, 0), 8);
    return byte & (0xff << (8 - kept));
  });
}

/** The part of a rule that says whom it is for. */
export function ruleSource(network: string): { cidrIpv4: string } | { cidrIpv6: string } {
  return network.includes(":") ? { cidrIpv6: network } : { cidrIpv4: network };
}

/** A network as a part of a resource's name. */
export function networkLabel(network: string): string {
  if (network === "0.0.0.0/0") return "any-ipv4";
  if (network === "::/0") return "any-ipv6";
  return network.replaceAll("/", "-").replaceAll(":", ".");
}
