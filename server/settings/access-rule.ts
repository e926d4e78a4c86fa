/**
 * One entry of a hub's access list (`Cedar/Hub.c` IsPacketMaskedByAccessList). Every condition that is there must hold; the
 * first active rule that fits decides, and a frame that none fits passes.
 */
export interface AccessRule {
  /** Ascending order; 1 is tried first. */
  readonly priority: number;
  readonly active: boolean;
  readonly note: string;
  readonly action: "pass" | "discard";
  /** What its networks are made of. A rule without networks and protocol fits frames of every kind. */
  readonly version: "ipv4" | "ipv6";
  readonly source: AccessEndpoint;
  readonly destination: AccessEndpoint;
  /** IP protocol number, such as 6 for TCP. */
  readonly protocol: number | undefined;
  /** TCP only: whether the packet belongs to an established connection, which is all but the first SYN. */
  readonly established: boolean | undefined;
  /** What happens to a frame that passes by this rule. */
  readonly delayMs: number;
  /** Percent of `delayMs` by which the delay varies. */
  readonly jitterPercent: number;
  readonly lossPercent: number;
  /** A plain HTTP request to port 80 is answered with a redirect to this address; empty for none. */
  readonly redirectUrl: string;
}

export interface AccessEndpoint {
  /** 4 or 16 bytes, as the rule's version says. */
  readonly network: { readonly address: Uint8Array; readonly mask: Uint8Array } | undefined;
  readonly mac: { readonly address: Uint8Array; readonly mask: Uint8Array } | undefined;
  /** TCP and UDP ports, both ends included. */
  readonly ports: { readonly first: number; readonly last: number } | undefined;
  /** User or group name; told apart without regard to case. */
  readonly user: string | undefined;
}

/** The endpoint with these conditions; one object for all rules that have none, as most have at one end. */
export function endpointOf(conditions: AccessEndpoint): AccessEndpoint {
  const { network, mac, ports, user } = conditions;
  return (network ?? mac ?? ports ?? user) === undefined ? anyEndpoint : conditions;
}

const anyEndpoint: AccessEndpoint = { network: undefined, mac: undefined, ports: undefined, user: undefined };

/** Different masks of all rules that are one object each. */
const mostMasks = 1024;
const masks = new Map<string, Uint8Array>();

/** The same mask, which many rules have in common: the engine looks at each object when it collects garbage. */
export function sharedMask(mask: Uint8Array): Uint8Array {
  const key = mask.join(".");
  const known = masks.get(key);
  if (known === undefined && masks.size < mostMasks) masks.set(key, mask);
  return known ?? mask;
}

/** How a user name begins that stands for a list of names in a file, which is not read here. */
const listPrefixes = ["include:", "exclude:"] as const;

/**
 * Whether a rule names a list of users that stands in a file. Such lists are not read. So that nothing passes that the rule would
 * have held back, one that discards is taken for everybody, and one that lets pass for nobody.
 */
export function namesUserList({ source, destination }: AccessRule): boolean {
  return [source.user, destination.user].some(isUserList);
}

export function isUserList(user: string | undefined): boolean {
  return listPrefixes.some((prefix) => user?.toLowerCase().startsWith(prefix));
}

/** `HUB_ACCESSLIST_DELAY_MAX` and its like (`Cedar/Hub.h`). */
export const accessRuleLimits = { delayMs: 10000, jitterPercent: 100, lossPercent: 100 } as const;

/** The order in which rules are tried: by ascending priority, those of the same one in the order in which they came. */
export function byPriority(one: AccessRule, other: AccessRule): number {
  return one.priority - other.priority;
}
