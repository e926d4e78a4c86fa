import {
  byPriority,
  endpointOf,
  sharedMask,
  type AccessEndpoint,
  type AccessRule,
} from "../../settings/access-rule.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import { sortedInSteps } from "../../long-lists.ts";
import { mapped, turns, type Steps } from "../../turns.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import type { ItemOf } from "../fields.ts";
import { ownerOf, RpcError } from "../rpc.ts";
import type { accessRuleFields } from "../shared-fields.ts";
import { nameLimits } from "../../limits.ts";
import { accountLimits, lowerLimit } from "./account-limits.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { boundedText } from "./given-texts.ts";

type RuleMessage = ItemOf<typeof accessRuleFields>;

const macBytes = 6;
const ipv4Bytes = 4;
const ipv6Bytes = 16;

/**
 * Numbers of the rules of a list from which some were deleted: as on the official server, the others keep theirs until a rule comes
 * or the server starts anew, so that who deletes several by their numbers deletes the right ones.
 */
const keptNumbers = new WeakMap<readonly AccessRule[], readonly number[]>();

function numbersOf(accessList: readonly AccessRule[]): readonly number[] {
  return keptNumbers.get(accessList) ?? accessList.map((_rule, index) => index + 1);
}

/** The access list of a hub. A rule is named by its place in the order in which they are tried when it came, from 1. */
export function createAccessHandlers(administration: Administration): RpcHandlers {
  const { settings } = administration;
  return {
    AddAccess: async (request) => {
      const [message] = request.AccessListSingle;
      if (message === undefined) throw new RpcError("invalidParameter", "AccessListSingle: there is no rule");
      const rule = ruleFrom(message);
      await updateHub(administration, request.HubName, (hub) => {
        const most = lowerLimit(accountLimits.accessRules, hub.adminOptions.max_accesslists);
        if (hub.accessList.length >= most) throw new RpcError("tooManyAccessRules");
        return { ...hub, accessList: withRule(hub.accessList, allowedRule(hub, rule)) };
      });
      return {};
    },
    DeleteAccess: async ({ HubName, Id }) => {
      await updateHub(administration, HubName, (hub) => {
        const numbers = numbersOf(hub.accessList);
        const accessList = hub.accessList.filter((_rule, index) => numbers[index] !== Id);
        if (accessList.length === hub.accessList.length) throw new RpcError("notFound");
        keptNumbers.set(
          accessList,
          numbers.filter((number) => number !== Id),
        );
        return { ...hub, accessList };
      });
      return {};
    },
    *EnumAccess({ HubName }) {
      const { accessList } = findHub(settings(), HubName);
      const numbers = numbersOf(accessList);
      const messages = yield* mapped(accessList, (rule, index) => messageOf(rule, numbers[index] ?? 0));
      return { AccessList: messages };
    },
    SetAccessList: async ({ HubName, AccessList }, { administrator }) => {
      const rules = await turns.run(rulesFrom(AccessList), ownerOf(administrator));
      await updateHub(administration, HubName, (hub) => {
        const ofHub = administrator.type === "server" ? 0 : hub.adminOptions.max_accesslists;
        if (rules.length > lowerLimit(accountLimits.accessRules, ofHub)) {
          throw new RpcError("tooManyAccessRules");
        }
        return {
          ...hub,
          accessList: hub.adminOptions.no_delay_jitter_packet_loss
            ? rules.map((rule) => allowedRule(hub, rule))
            : rules,
        };
      });
      return {};
    },
  };
}

/** Without what the hub is held to do without. Source: `Cedar/Admin.c` StAddAccess. */
function allowedRule({ adminOptions }: HubSettings, rule: AccessRule): AccessRule {
  return adminOptions.no_delay_jitter_packet_loss
    ? { ...rule, delayMs: 0, jitterPercent: 0, lossPercent: 0 }
    : rule;
}

/** With a rule behind those of its priority and of lower ones. */
function withRule(rules: readonly AccessRule[], rule: AccessRule): readonly AccessRule[] {
  let [from, to] = [0, rules.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((rules[middle] as AccessRule).priority <= rule.priority) from = middle + 1;
    else to = middle;
  }
  return rules.toSpliced(from, 0, rule);
}

function* rulesFrom(messages: readonly RuleMessage[]): Steps<readonly AccessRule[]> {
  return yield* sortedInSteps(yield* mapped(messages, ruleFrom), byPriority);
}

function ruleFrom(message: RuleMessage): AccessRule {
  const { IsIPv6: isIPv6, Protocol } = message;
  if (Protocol > 255) throw new RpcError("invalidParameter");
  const source = {
    address: isIPv6 ? message.SrcIpAddress6 : message.SrcIpAddress,
    mask: isIPv6 ? message.SrcSubnetMask6 : message.SrcSubnetMask,
  };
  const destination = {
    address: isIPv6 ? message.DestIpAddress6 : message.DestIpAddress,
    mask: isIPv6 ? message.DestSubnetMask6 : message.DestSubnetMask,
  };
  return {
    priority: message.Priority,
    active: message.Active,
    note: ruleText(message.Note),
    action: message.Discard ? "discard" : "pass",
    version: isIPv6 ? "ipv6" : "ipv4",
    source: endpointOf({
      network: networkFrom(source, isIPv6),
      mac: message.CheckSrcMac ? macFrom(message.SrcMacAddress, message.SrcMacMask) : undefined,
      ports: portsFrom(message.SrcPortStart, message.SrcPortEnd),
      user: ruleText(message.SrcUsername) || undefined,
    }),
    destination: endpointOf({
      network: networkFrom(destination, isIPv6),
      mac: message.CheckDstMac ? macFrom(message.DstMacAddress, message.DstMacMask) : undefined,
      ports: portsFrom(message.DestPortStart, message.DestPortEnd),
      user: ruleText(message.DestUsername) || undefined,
    }),
    protocol: Protocol === 0 ? undefined : Protocol,
    established: message.CheckTcpState ? message.Established : undefined,
    delayMs: Math.min(message.Delay, 10_000),
    jitterPercent: Math.min(message.Jitter, 100),
    lossPercent: Math.min(message.Loss, 100),
    redirectUrl: ruleText(message.RedirectUrl),
  };
}

function ruleText(text: string): string {
  return boundedText(text, undefined, nameLimits.ruleTextCharacters);
}

function messageOf(rule: AccessRule, id: number): RuleMessage {
  const { source, destination, version } = rule;
  return {
    Id: id,
    Note: rule.note,
    Active: rule.active,
    Priority: rule.priority,
    Discard: rule.action === "discard",
    SrcIpAddress: ipv4Text(source, "address", version),
    SrcSubnetMask: ipv4Text(source, "mask", version),
    DestIpAddress: ipv4Text(destination, "address", version),
    DestSubnetMask: ipv4Text(destination, "mask", version),
    Protocol: rule.protocol ?? 0,
    SrcPortStart: source.ports?.first ?? 0,
    SrcPortEnd: source.ports?.last ?? 0,
    DestPortStart: destination.ports?.first ?? 0,
    DestPortEnd: destination.ports?.last ?? 0,
    SrcUsernameHash: 0,
    SrcUsername: source.user ?? "",
    DestUsernameHash: 0,
    DestUsername: destination.user ?? "",
    CheckSrcMac: source.mac !== undefined,
    SrcMacAddress: bytesOf(source.mac?.address, macBytes),
    SrcMacMask: bytesOf(source.mac?.mask, macBytes),
    CheckDstMac: destination.mac !== undefined,
    DstMacAddress: bytesOf(destination.mac?.address, macBytes),
    DstMacMask: bytesOf(destination.mac?.mask, macBytes),
    CheckTcpState: rule.established !== undefined,
    Established: rule.established ?? false,
    Delay: rule.delayMs,
    Jitter: rule.jitterPercent,
    Loss: rule.lossPercent,
    IsIPv6: version === "ipv6",
    UniqueId: id,
    RedirectUrl: rule.redirectUrl,
    SrcIpAddress6: ipv6BytesOf(source, "address", version),
    SrcSubnetMask6: ipv6BytesOf(source, "mask", version),
    DestIpAddress6: ipv6BytesOf(destination, "address", version),
    DestSubnetMask6: ipv6BytesOf(destination, "mask", version),
  };
}

type Part = "address" | "mask";

function ipv4Text({ network }: AccessEndpoint, part: Part, version: AccessRule["version"]): string {
  return version === "ipv4" && network !== undefined ? formatAddress(network[part]) : "0.0.0.0";
}

function ipv6BytesOf({ network }: AccessEndpoint, part: Part, version: AccessRule["version"]): Buffer {
  return bytesOf(version === "ipv6" ? network?.[part] : undefined, ipv6Bytes);
}

function bytesOf(bytes: Uint8Array | undefined, size: typeof macBytes | typeof ipv6Bytes): Buffer {
  return bytes === undefined ? zeros[size] : Buffer.from(bytes);
}

/** One for all rules, since eight of them for each of thousands are work for the garbage collector; nobody changes a message. */
const zeros = { [macBytes]: Buffer.alloc(macBytes), [ipv6Bytes]: Buffer.alloc(ipv6Bytes) } as const;

/** An address and a mask of zeros stand for any address. */
function networkFrom(
  { address, mask }: Readonly<Record<Part, string | Buffer>>,
  isIPv6: boolean,
): AccessEndpoint["network"] {
  const size = isIPv6 ? ipv6Bytes : ipv4Bytes;
  const read = (value: string | Buffer) => {
    const bytes = typeof value === "string" ? parseAddress(value || "0.0.0.0") : value;
    if (bytes?.length === 0) return new Uint8Array(size);
    if (bytes?.length !== size) throw new RpcError("invalidParameter", "an address is of the wrong kind");
    return Uint8Array.from(bytes);
  };
  const network = { address: read(address), mask: read(mask) };
  const isZero = (byte: number) => byte === 0;
  const isAny = network.address.every(isZero) && network.mask.every(isZero);
  return isAny ? undefined : { ...network, mask: sharedMask(network.mask) };
}

function macFrom(address: Buffer, mask: Buffer): AccessEndpoint["mac"] {
  if (address.length !== macBytes || mask.length !== macBytes) throw new RpcError("invalidParameter");
  return { address: Uint8Array.from(address), mask: Uint8Array.from(mask) };
}

function portsFrom(first: number, last: number): AccessEndpoint["ports"] {
  if (first > 65_535 || last > 65_535) throw new RpcError("invalidParameter");
  return first === 0 && last === 0 ? undefined : { first, last: Math.max(first, last) };
}
