import { parseIpNetwork } from "../ethernet/ip-network.ts";
import {
  isInNetwork,
  parseIpv4,
  parseIpv4Network,
  parseIpv4WithPrefix,
  prefixLengthOf,
  type Ipv4Network,
} from "../ethernet/ipv4-network.ts";
import { macBytes, parseMac } from "../ethernet/mac-address.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import {
  createSecureNatSettings,
  secureNatRanges,
  type SecureNatSettings,
} from "../settings/secure-nat-settings.ts";
import { ObjectCheck, type Member, type Problems } from "./value-check.ts";

/** The virtual host of a hub as it is to be. */
export interface DesiredSecureNat {
  readonly enabled: boolean;
  /** All else; undefined where only the switch is told, and the rest is left as it is. */
  readonly plan: SecureNatPlan | undefined;
}

export type SecureNatPlan = Omit<SecureNatSettings, "enabled" | "host" | "nat"> & {
  /** How much clients may have is an option of the hub. */
  readonly nat: Omit<SecureNatSettings["nat"], "perClient">;
  readonly host: Omit<SecureNatSettings["host"], "mac"> & {
    /** Undefined for the one that the hub has. */
    readonly mac: Uint8Array | undefined;
  };
};

const members = [
  "enabled",
  "address",
  "mac",
  "nat",
  "mtu",
  "tcpTimeoutSeconds",
  "udpTimeoutSeconds",
  "openNetworks",
  "ipv6",
  "dhcp",
  "dhcpRange",
  "leaseSeconds",
  "gateway",
  "nameServers",
  "domainName",
  "routes",
  "saveLog",
] as const;

const limits = { routes: 64, openNetworks: 64, domainCharacters: 255, nameServers: 2 } as const;
const none = "none";

/**
 * `true`, `false`, or an object; what an object does not tell follows from what it tells, or is as in a new hub.
 *
 * @returns undefined when nothing is told
 */
export function checkSecureNat({ value, path }: Member, problems: Problems): DesiredSecureNat | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "boolean") return { enabled: value, plan: undefined };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.add(path, "is neither true nor false nor an object");
    return undefined;
  }
  const check = new ObjectCheck({ value, path }, members, problems);
  const enabled = check.bool("enabled") ?? true;
  const isSwitchOnly = check.names().every((name) => name === "enabled");
  return { enabled, plan: isSwitchOnly ? undefined : checkPlan(check) };
}

function checkPlan(check: ObjectCheck): SecureNatPlan {
  const standard = createSecureNatSettings(new Uint8Array(macBytes));
  const way = check.oneOf("nat", ["auto", "kernel", "user", "off"]) ?? "auto";
  const hasNat = way !== "off";
  const host =
    check.parsed("address", 18, parseHostAddress, addressProblem) ??
    ({ address: standard.host.address, mask: standard.host.mask } as const);
  const network: Ipv4Network = { network: (host.address & host.mask) >>> 0, mask: host.mask };
  const inNetwork = (text: string) => {
    const address = parseIpv4(text);
    return address !== undefined && isInNetwork(address, network) ? address : undefined;
  };
  const { first, last } =
    check.parsed("dhcpRange", 31, (text) => parseRange(text, network), rangeProblem(network)) ??
    usualRange(network, host.address);
  // Without a NAT the virtual host leads nowhere, so that clients had better keep the way that they have.
  const usual = hasNat ? host.address : 0;
  const gateway = check.parsed(
    "gateway",
    15,
    (text) => (text === none ? 0 : inNetwork(text)),
    `is neither "none" nor an address of the network of the virtual host`,
  );
  const ranged = (name: keyof typeof secureNatRanges) => {
    const [least, most] = secureNatRanges[name];
    return check.integer(name, { least, most });
  };
  return {
    saveLog: check.bool("saveLog") ?? standard.saveLog,
    host: { mac: check.parsed("mac", 17, parseStationMac, macProblem), ...host },
    nat: {
      enabled: hasNat,
      byKernel: way !== "user",
      bySockets: way !== "kernel",
      mtu: ranged("mtu") ?? standard.nat.mtu,
      tcpTimeoutSeconds: ranged("tcpTimeoutSeconds") ?? standard.nat.tcpTimeoutSeconds,
      udpTimeoutSeconds: ranged("udpTimeoutSeconds") ?? standard.nat.udpTimeoutSeconds,
      openNetworks:
        checkTexts(check, "openNetworks", limits.openNetworks, parseIpNetwork, networkProblem) ?? [],
      ipv6: check.bool("ipv6") ?? standard.nat.ipv6,
    },
    dhcp: {
      enabled: check.bool("dhcp") ?? true,
      first,
      last,
      mask: host.mask,
      leaseSeconds: ranged("leaseSeconds") ?? standard.dhcp.leaseSeconds,
      gateway: gateway ?? usual,
      nameServers: nameServersOf(
        checkTexts(check, "nameServers", limits.nameServers, parseIpv4, "is no IPv4 address"),
        usual,
      ),
      domainName:
        check.parsed(
          "domainName",
          limits.domainCharacters,
          (text) => (/^[A-Za-z0-9._-]*$/.test(text) ? text : undefined),
          "is no domain name",
        ) ?? "",
      pushRoutes: (
        checkTexts(
          check,
          "routes",
          limits.routes,
          (text) => parseRoute(text, inNetwork, host.address),
          routeProblem,
        ) ?? []
      ).join(", "),
    },
  };
}

const addressProblem =
  "is no address of a host with the prefix of its network, from /8 to /30, such as 192.168.30.1/24";
const macProblem = "is no MAC address of one station, such as 5E-00-00-00-53-01";
const networkProblem = "is no network, such as 169.254.169.254/32";
const routeProblem =
  'is no route, such as "10.0.0.0/8" or "10.0.0.0/8 via 192.168.30.2", by an address of the network';

function rangeProblem({ network, mask }: Ipv4Network): string {
  return `is no range of addresses of the network ${formatIpv4(network)}/${prefixLengthOf(mask)}, such as ${formatRange(usualRange({ network, mask }, network + 1))}`;
}

/** `192.168.30.10-192.168.30.200`. */
function formatRange({ first, last }: { readonly first: number; readonly last: number }): string {
  return `${formatIpv4(first)}-${formatIpv4(last)}`;
}

/** The address of a host, neither its network's own nor the one for all. */
function parseHostAddress(text: string): { address: number; mask: number } | undefined {
  const found = parseIpv4WithPrefix(text);
  if (found === undefined) return undefined;
  const { address, mask } = found;
  const prefix = prefixLengthOf(mask);
  const host = (address & ~mask) >>> 0;
  const isOfHost = host !== 0 && host !== ~mask >>> 0 && address >>> 24 !== 0 && address >>> 24 < 224;
  return prefix >= 8 && prefix <= 30 && isOfHost ? found : undefined;
}

function parseStationMac(text: string): Uint8Array | undefined {
  const mac = parseMac(text);
  const isOfOne = mac !== undefined && ((mac[0] ?? 1) & 1) === 0 && mac.some((byte) => byte !== 0);
  return isOfOne ? mac : undefined;
}

function parseRange(text: string, network: Ipv4Network): { first: number; last: number } | undefined {
  const [first, last, ...more] = text.split("-").map((part) => parseIpv4(part.trim()));
  if (first === undefined || last === undefined || more.length > 0 || first > last) return undefined;
  const broadcast = (network.network | ~network.mask) >>> 0;
  const isIn =
    first > network.network && last < broadcast && isInNetwork(first, network) && isInNetwork(last, network);
  return isIn ? { first, last } : undefined;
}

/** In 192.168.30.0/24 the official 192.168.30.10 to 192.168.30.200; the same shape in any other network that is so large. */
function usualRange({ network, mask }: Ipv4Network, host: number): { first: number; last: number } {
  const broadcast = (network | ~mask) >>> 0;
  if (broadcast - network >= 255) return { first: network + 10, last: broadcast - 55 };
  const [first, last] = [network + 1, broadcast - 1];
  // The larger part beside the virtual host.
  return host - first > last - host ? { first, last: host - 1 } : { first: host + 1, last };
}

function nameServersOf(told: readonly number[] | undefined, usual: number): readonly [number, number] {
  const [first = told === undefined ? usual : 0, second = 0] = told ?? [];
  return [first, second];
}

/** As `vpncmd DhcpSet /PUSHROUTE` has it. */
function parseRoute(
  text: string,
  inNetwork: (text: string) => number | undefined,
  host: number,
): string | undefined {
  const [, networkText = "", gatewayText] = /^(\S+)(?:\s+via\s+(\S+))?$/.exec(text.trim()) ?? [];
  const network = networkText.includes("/") ? parseIpv4Network(networkText) : undefined;
  const gateway = gatewayText === undefined ? host : inNetwork(gatewayText);
  if (network === undefined || gateway === undefined) return undefined;
  return [network.network, network.mask, gateway].map(formatIpv4).join("/");
}

function checkTexts<T>(
  check: ObjectCheck,
  name: string,
  most: number,
  parse: (text: string) => T | undefined,
  problem: string,
): T[] | undefined {
  const texts = check.list(name, most);
  return (
    texts &&
    [...texts].flatMap(({ value }, index) => {
      const parsed = typeof value === "string" && value.length <= 100 ? parse(value) : undefined;
      if (parsed !== undefined) return [parsed];
      check.report(`${name}[${index}]`, problem);
      return [];
    })
  );
}
