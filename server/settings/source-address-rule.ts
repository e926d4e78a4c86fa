/** Lets clients of some source addresses log in to a hub, or keeps them out (`AcAdd`). */
export interface SourceAddressRule {
  /** The rule with the least number is tried first. */
  readonly priority: number;
  readonly action: "allow" | "deny";
  /** 4 bytes of IPv4 or 16 of IPv6. */
  readonly address: Uint8Array;
  /** As long as the address; without one the rule holds for this address alone. */
  readonly mask: Uint8Array | undefined;
}

/** In the order in which they are tried: by priority, and of the same priority those that allow first. */
export function inOrderOfPriority(rules: readonly SourceAddressRule[]): SourceAddressRule[] {
  const rank = ({ action }: SourceAddressRule) => (action === "deny" ? 1 : 0);
  return [...rules].sort((one, other) => one.priority - other.priority || rank(one) - rank(other));
}

/**
 * Whether the first rule that holds for an address denies it; no rule allows. Source: `Cedar/Hub.c` IsIpDeniedByAcList, but for one
 * thing: there, a rule for IPv6 with a mask holds for every IPv4 address.
 *
 * @param rules in their order
 * @param address 4 bytes of IPv4 or 16 of IPv6
 */
export function isDeniedSource(rules: readonly SourceAddressRule[], address: Uint8Array): boolean {
  return rules.find((rule) => holdsFor(rule, address))?.action === "deny";
}

function holdsFor({ address, mask }: SourceAddressRule, source: Uint8Array): boolean {
  if (address.length !== source.length) return false;
  return source.every((byte, index) => {
    const bits = mask?.[index] ?? 0xff;
    return (byte & bits) === ((address[index] ?? 0) & bits);
  });
}
