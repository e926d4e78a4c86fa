import { listAt, textAt, type XmlValue } from "./api/xml.ts";

/** An instance as its router sees it. */
export interface Guarded {
  /** Name of the router's interface that leads to it. */
  readonly interface: string;
  readonly privateAddress: string;
  /** Its Elastic IP, or the public address that it got with its subnet. */
  readonly publicAddress?: string;
  readonly groups: readonly string[];
}

/**
 * The rules of nftables that stand for AWS before the instances: translation between public and private addresses, and
 * the security groups. What belongs to a connection that was let through goes on, as with AWS.
 *
 * @param groups security groups as `DescribeSecurityGroups` gives them
 * @param outside the router's interface to the rest of the lab
 */
export function securityRules(
  instances: readonly Guarded[],
  groups: readonly XmlValue[],
  outside: string,
): string {
  const permissionsOf = (instance: Guarded, list: string): XmlValue[] =>
    groups
      .filter((group) => instance.groups.includes(textAt(group, "groupId")))
      .flatMap((group) => listAt(group, list));
  const membersOf = (group: string): string[] =>
    instances.filter((one) => one.groups.includes(group)).map((one) => one.privateAddress);
  const chain = (name: string, permissions: XmlValue[], side: "saddr" | "daddr"): string[] => [
    `  chain ${name} {`,
    ...permissions.flatMap((permission) =>
      matchesOf(permission, side, membersOf).map((match) => `    ${match} return`),
    ),
    "    counter drop",
    "  }",
  ];
  const withPublic = instances.flatMap(({ publicAddress, privateAddress }) =>
    publicAddress === undefined ? [] : [{ publicAddress, privateAddress }],
  );
  return [
    "table inet aws",
    "delete table inet aws",
    "table inet aws {",
    ...instances.flatMap((instance) => [
      ...chain(chainOf("in", instance), permissionsOf(instance, "ipPermissions"), "saddr"),
      ...chain(chainOf("out", instance), permissionsOf(instance, "ipPermissionsEgress"), "daddr"),
    ]),
    "  chain forward {",
    "    type filter hook forward priority filter; policy drop;",
    "    ct state established,related accept",
    ...instances.map((one) => `    iifname "${one.interface}" jump ${chainOf("out", one)}`),
    ...instances.map((one) => `    oifname "${one.interface}" jump ${chainOf("in", one)}`),
    `    oifname { ${[outside, ...instances.map((one) => one.interface)].map((name) => `"${name}"`).join(", ")} } accept`,
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority dstnat; policy accept;",
    ...withPublic.map(
      ({ publicAddress, privateAddress }) => `    ip daddr ${publicAddress} dnat ip to ${privateAddress}`,
    ),
    "  }",
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    ...withPublic.map(
      ({ publicAddress, privateAddress }) =>
        `    oifname "${outside}" ip saddr ${privateAddress} snat ip to ${publicAddress}`,
    ),
    "  }",
    "}",
    "",
  ].join("\n");
}

function chainOf(direction: "in" | "out", instance: Guarded): string {
  return `${direction}_${instance.interface.replaceAll("-", "_")}`;
}

/** What a permission lets through: one match for each range and each other group. */
function matchesOf(
  permission: XmlValue,
  side: "saddr" | "daddr",
  membersOf: (group: string) => string[],
): string[] {
  const what = protocolMatch(permission);
  const ranges = [
    ...listAt(permission, "ipRanges").map((range) => `ip ${side} ${textAt(range, "cidrIp")}`),
    ...listAt(permission, "ipv6Ranges").map((range) => `ip6 ${side} ${textAt(range, "cidrIpv6")}`),
    ...listAt(permission, "groups").flatMap((group) =>
      membersOf(textAt(group, "groupId")).map((address) => `ip ${side} ${address}`),
    ),
  ];
  // nft does not take the range that is everything for a match.
  return ranges.map((range) =>
    `${range.replace(/^ip6 \w+ ::\/0$/, "meta nfproto ipv6").replace(/^ip \w+ 0\.0\.0\.0\/0$/, "meta nfproto ipv4")} ${what}`.trim(),
  );
}

function protocolMatch(permission: XmlValue): string {
  const protocol = textAt(permission, "ipProtocol");
  const [from, to] = [textAt(permission, "fromPort"), textAt(permission, "toPort")];
  if (protocol === "-1") return "";
  if (protocol === "tcp" || protocol === "udp")
    return `${protocol} dport ${from === to ? from : `${from}-${to}`}`;
  // Of ICMP, the ports are type and code.
  if (protocol === "icmp") return from === "-1" ? "meta l4proto icmp" : `icmp type ${from}`;
  return `meta l4proto ${protocol}`;
}
