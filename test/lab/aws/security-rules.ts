import { listAt, textAt, type XmlValue } from "./api/xml.ts";
import type { Balancer } from "./load-balancers.ts";

/** An instance as its router sees it. */
export interface Guarded {
  /** Name of the router's interface that leads to it. */
  readonly interface: string;
  readonly privateAddress: string;
  /** Its Elastic IP, or the public address that it got with its subnet. */
  readonly publicAddress?: string;
  readonly groups: readonly string[];
  /** Its router's address on its subnet, from which load balancers check it. */
  readonly gateway: string;
  /** Over how many hops answers of the metadata service go. */
  readonly metadataHops: number;
}

/** What stands in front of instances for load balancers. */
export interface Balancing {
  readonly balancers: readonly Balancer[];
  /** Private addresses to which connections do not go on. */
  readonly deadTargets: readonly string[];
}

/** Where an instance asks for its metadata. */
export const metadataAddress = "169.254.169.254";

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
  { balancers, deadTargets }: Balancing = { balancers: [], deadTargets: [] },
): string {
  const permissionsOf = (instance: { readonly groups: readonly string[] }, list: string): XmlValue[] =>
    groups
      .filter((group) => instance.groups.includes(textAt(group, "groupId")))
      .flatMap((group) => listAt(group, list));
  const gateways = [...new Set(instances.map(({ gateway }) => gateway))];
  // A load balancer checks from addresses of its own, and what it sends on keeps the address of the client.
  const membersOf = (group: string, side: "saddr" | "daddr"): string[] => [
    ...instances.filter((one) => one.groups.includes(group)).map((one) => `ip ${side} ${one.privateAddress}`),
    ...balancers
      .filter((one) => one.groups.includes(group))
      .flatMap(({ address }) => [
        `ct original ip daddr ${address}`,
        ...gateways.map((gateway) => `ip ${side} ${gateway}`),
      ]),
  ];
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
    ...balancers.flatMap((balancer) => [
      ...chain(balancerChain("in", balancer), permissionsOf(balancer, "ipPermissions"), "saddr"),
      ...chain(balancerChain("out", balancer), permissionsOf(balancer, "ipPermissionsEgress"), "daddr"),
    ]),
    "  chain forward {",
    "    type filter hook forward priority filter; policy drop;",
    ...(deadTargets.length === 0 || balancers.length === 0
      ? []
      : [
          `    ct original ip daddr { ${balancers.map(({ address }) => address).join(", ")} } ip daddr { ${deadTargets.join(", ")} } meta l4proto tcp reject with tcp reset`,
        ]),
    "    ct state established,related accept",
    ...balancers
      .filter(hasGroups)
      .flatMap((one) => [
        `    ct original ip daddr ${one.address} jump ${balancerChain("in", one)}`,
        `    ct original ip daddr ${one.address} jump ${balancerChain("out", one)}`,
      ]),
    ...instances.map((one) => `    iifname "${one.interface}" jump ${chainOf("out", one)}`),
    ...instances.map((one) => `    oifname "${one.interface}" jump ${chainOf("in", one)}`),
    `    oifname { ${[outside, ...instances.map((one) => one.interface)].map((name) => `"${name}"`).join(", ")} } accept`,
    "  }",
    "  chain output {",
    "    type filter hook output priority filter; policy accept;",
    ...instances.map(
      (one) =>
        `    ip saddr ${metadataAddress} ip daddr ${one.privateAddress} ip ttl set ${one.metadataHops}`,
    ),
    "    ct state established,related accept",
    // Health checks.
    ...instances.map((one) => `    oifname "${one.interface}" meta l4proto tcp jump ${chainOf("in", one)}`),
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority dstnat; policy accept;",
    ...balancers.flatMap(forwardings),
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

function hasGroups({ groups }: Balancer): boolean {
  return groups.length > 0;
}

/** New connections are spread by where they come from; those that are there stay where they are. */
function forwardings({ address, listeners }: Balancer): string[] {
  return listeners.flatMap(({ port, isSticky, targetPort, targets }) => {
    if (targets.length === 0) return [];
    const source = isSticky ? "ip saddr" : "ip saddr . tcp sport";
    const map = targets.map((target, index) => `${index} : ${target}`).join(", ");
    const to = targets.length === 1 ? targets[0] : `jhash ${source} mod ${targets.length} map { ${map} }`;
    const rule = `    ip daddr ${address} tcp dport ${port} dnat ip to ${to}`;
    return [port === targetPort ? rule : `${rule} : ${targetPort}`];
  });
}

function balancerChain(direction: "in" | "out", { address }: Balancer): string {
  return `balancer_${direction}_${address.replaceAll(".", "_")}`;
}

function chainOf(direction: "in" | "out", instance: Guarded): string {
  return `${direction}_${instance.interface.replaceAll("-", "_")}`;
}

/** What a permission lets through: one match for each range and each other group. */
function matchesOf(
  permission: XmlValue,
  side: "saddr" | "daddr",
  membersOf: (group: string, side: "saddr" | "daddr") => string[],
): string[] {
  const what = protocolMatch(permission);
  const ranges = [
    ...listAt(permission, "ipRanges").map((range) => `ip ${side} ${textAt(range, "cidrIp")}`),
    ...listAt(permission, "ipv6Ranges").map((range) => `ip6 ${side} ${textAt(range, "cidrIpv6")}`),
    ...listAt(permission, "groups").flatMap((group) => membersOf(textAt(group, "groupId"), side)),
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
