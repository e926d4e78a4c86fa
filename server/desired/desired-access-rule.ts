import { nameLimits } from "../limits.ts";
import { parseAddress } from "../ethernet/ip-address.ts";
import { parseMac } from "../ethernet/mac-address.ts";
import {
  accessRuleLimits,
  endpointOf,
  sharedMask,
  type AccessEndpoint,
  type AccessRule,
} from "../settings/access-rule.ts";
import { ObjectCheck, type Member, type Problems } from "./value-check.ts";

const members = [
  "action",
  "priority",
  "note",
  "sourceNetwork",
  "destinationNetwork",
  "protocol",
  "sourcePorts",
  "destinationPorts",
  "sourceUser",
  "destinationUser",
  "sourceMac",
  "destinationMac",
  "established",
  "delayMs",
  "jitterPercent",
  "lossPercent",
  "redirectUrl",
] as const;

const tcp = 6;
const udp = 17;

const textCharacters = nameLimits.ruleTextCharacters;

/** @param position where the rule stands, counted from 1: its priority unless another is told */
export function checkAccessRule(member: Member, position: number, problems: Problems): AccessRule {
  const rule = new ObjectCheck(member, members, problems);
  const action = rule.oneOf("action", ["pass", "discard"]);
  if (!rule.has("action")) rule.report("action", 'is missing: "pass" or "discard"');
  const source = checkEndpoint(rule, "source");
  const destination = checkEndpoint(rule, "destination");
  const lengths = new Set([source.addressBytes, destination.addressBytes].filter(Boolean));
  if (lengths.size > 1) {
    rule.report("destinationNetwork", "is not of the same IP version as sourceNetwork");
  }
  const version = lengths.has(16) ? "ipv6" : "ipv4";
  const protocol = checkProtocol(rule, version);
  const established = rule.bool("established");
  const hasPorts = rule.has("sourcePorts") || rule.has("destinationPorts");
  if (hasPorts && protocol !== undefined && protocol !== tcp && protocol !== udp) {
    rule.report("protocol", "has no ports; tcp and udp have");
  }
  if (established !== undefined && protocol !== undefined && protocol !== tcp) {
    rule.report("established", "is for the protocol tcp only");
  }
  const percent = (name: string, most: number) => rule.integer(name, { least: 0, most }) ?? 0;
  return {
    priority: rule.integer("priority", { least: 1, most: 0xffff_ffff }) ?? position,
    active: true,
    note: rule.text("note", { most: textCharacters }) ?? "",
    action: action ?? "discard",
    version,
    source: source.endpoint,
    destination: destination.endpoint,
    protocol,
    established,
    delayMs: percent("delayMs", accessRuleLimits.delayMs),
    jitterPercent: percent("jitterPercent", accessRuleLimits.jitterPercent),
    lossPercent: percent("lossPercent", accessRuleLimits.lossPercent),
    redirectUrl:
      rule.parsed(
        "redirectUrl",
        textCharacters,
        (text) => (text === "" || /^https?:\/\/[!-~]+$/i.test(text) ? text : undefined),
        'is no address that begins with "http://" or "https://"',
      ) ?? "",
  };
}

function checkEndpoint(
  rule: ObjectCheck,
  side: "source" | "destination",
): { readonly endpoint: AccessEndpoint; readonly addressBytes: number | undefined } {
  const network = rule.parsed(
    `${side}Network`,
    100,
    parseNetwork,
    "is no network, such as 192.0.2.0/24, 2001:db8::/32 or a single address",
  );
  const endpoint = endpointOf({
    network: network?.mask.every((byte) => byte === 0) ? undefined : network,
    mac: rule.parsed(
      `${side}Mac`,
      40,
      parseMacAndMask,
      "is no MAC address, such as 02-00-5E-00-53-01 or 02-00-5E-00-53-00/FF-FF-FF-FF-FF-00",
    ),
    ports: rule.parsed(
      `${side}Ports`,
      20,
      parsePorts,
      "is no port from 1 to 65535, or range such as 1000-2000",
    ),
    user: rule.text(`${side}User`, { least: 1, most: textCharacters }),
  });
  return { endpoint, addressBytes: network?.address.length };
}

/** An address without prefix is that address alone. The bits beyond the prefix are cleared. */
function parseNetwork(text: string): { address: Uint8Array; mask: Uint8Array } | undefined {
  const [addressText = "", prefixText, ...more] = text.split("/");
  const address = parseAddress(addressText);
  if (address === undefined || addressText.includes("%") || more.length > 0) return undefined;
  const bits = address.length * 8;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  const mask = address.map((_byte, index) => {
    const left = Math.min(Math.max(prefix - index * 8, 0), 8);
    return (0xff00 >> left) & 0xff;
  });
  return { address: address.map((byte, index) => byte & (mask[index] ?? 0)), mask: sharedMask(mask) };
}

function parseMacAndMask(text: string): AccessEndpoint["mac"] {
  const [addressText = "", maskText = "ff-ff-ff-ff-ff-ff", ...more] = text.split("/");
  const address = parseMac(addressText);
  const mask = parseMac(maskText);
  return address === undefined || mask === undefined || more.length > 0 ? undefined : { address, mask };
}

function parsePorts(text: string): AccessEndpoint["ports"] {
  const [, firstText, lastText = firstText] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const first = Number(firstText);
  const last = Number(lastText);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

function checkProtocol(rule: ObjectCheck, version: AccessRule["version"]): number | undefined {
  if (typeof rule.member("protocol").value === "number") {
    return rule.integer("protocol", { least: 1, most: 255 });
  }
  const name = rule.oneOf("protocol", ["tcp", "udp", "icmp"]);
  if (name === undefined) return undefined;
  return { tcp, udp, icmp: version === "ipv6" ? 58 : 1 }[name];
}
