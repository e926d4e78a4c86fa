import {
  accessRuleLimits,
  endpointOf,
  sharedMask,
  type AccessEndpoint,
  type AccessRule,
} from "../../settings/access-rule.ts";
import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import { emptyFolder, FieldReader, fields, withFields, type Field } from "../text/config-fields.ts";
import type { ConfigFolder } from "../text/config-node.ts";
import { formatMac, macBytes, parseMac } from "../../ethernet/mac-address.ts";

/** The parts of an endpoint's item names, which are not the same for each item. */
const sides = {
  source: { address: "Src", mac: "Src", checkMac: "CheckSrcMac" },
  destination: { address: "Dest", mac: "Dst", checkMac: "CheckDstMac" },
} as const;
type Side = keyof typeof sides;

/**
 * A rule of an access list, from its folder in `AccessList`. Source: `Cedar/Server.c` SiLoadHubAccessCfg.
 *
 * @throws {ConfigFieldError}
 */
export function readAccessRule(folder: ConfigFolder, path: string): AccessRule {
  const reader = new FieldReader(folder, path);
  const version = reader.bool("IsIPv6") ? "ipv6" : "ipv4";
  return {
    priority: reader.uint("Priority"),
    active: reader.bool("Active"),
    note: reader.text("Note"),
    action: reader.bool("Discard") ? "discard" : "pass",
    version,
    source: readEndpoint(reader, "source", version),
    destination: readEndpoint(reader, "destination", version),
    protocol: reader.uint("Protocol") || undefined,
    established: reader.bool("CheckTcpState") ? reader.bool("Established") : undefined,
    delayMs: Math.min(reader.uint("Delay"), accessRuleLimits.delayMs),
    jitterPercent: Math.min(reader.uint("Jitter"), accessRuleLimits.jitterPercent),
    lossPercent: Math.min(reader.uint("Loss"), accessRuleLimits.lossPercent),
    redirectUrl: reader.text("RedirectUrl"),
  };
}

/** The folder of a rule that came from none. */
export function createAccessRule(rule: AccessRule, name: string): ConfigFolder {
  return withFields(emptyFolder(name), {
    Active: fields.bool(rule.active),
    Priority: fields.uint(rule.priority),
    Note: fields.text(rule.note),
    Discard: fields.bool(rule.action === "discard"),
    IsIPv6: fields.bool(rule.version === "ipv6"),
    ...writeEndpoint(rule.source, "source", rule.version),
    ...writeEndpoint(rule.destination, "destination", rule.version),
    Protocol: fields.uint(rule.protocol ?? 0),
    CheckTcpState: fields.bool(rule.established !== undefined),
    Established: fields.bool(rule.established === true),
    Delay: fields.uint(rule.delayMs),
    Jitter: fields.uint(rule.jitterPercent),
    Loss: fields.uint(rule.lossPercent),
    RedirectUrl: fields.text(rule.redirectUrl),
  });
}

function readEndpoint(reader: FieldReader, side: Side, version: AccessRule["version"]): AccessEndpoint {
  const prefix = sides[side].address;
  return endpointOf({
    network: readNetwork(reader, prefix, version),
    mac: reader.bool(sides[side].checkMac) ? readMac(reader, sides[side].mac) : undefined,
    ports: readPorts(reader, prefix),
    user: reader.text(`${prefix}Username`) || undefined,
  });
}

/** An address and a mask of zeros both stand for any address. */
function readNetwork(
  reader: FieldReader,
  prefix: string,
  version: AccessRule["version"],
): AccessEndpoint["network"] {
  const { bytes: size, suffix } = addressFields[version];
  const parse = (name: string) => {
    const text = reader.text(name);
    const bytes = text === "" ? new Uint8Array(size) : parseAddress(text);
    if (bytes?.length !== size) throw reader.error(name, `is no ${version} address`);
    return bytes;
  };
  const address = parse(`${prefix}IpAddress${suffix}`);
  const mask = parse(`${prefix}SubnetMask${suffix}`);
  const isAny = [address, mask].every((bytes) => bytes.every((byte) => byte === 0));
  return isAny ? undefined : { address, mask: sharedMask(mask) };
}

const addressFields = {
  ipv4: { bytes: 4, suffix: "" },
  ipv6: { bytes: 16, suffix: "6" },
} as const;

/** As text, or as bytes in files of older servers. A condition that cannot be read does not hold the rule back, as there. */
function readMac(reader: FieldReader, prefix: string): AccessEndpoint["mac"] {
  const parse = (name: string) => {
    const bytes = reader.bytes(name);
    return bytes.length === macBytes ? bytes : parseMac(reader.text(name));
  };
  const address = parse(`${prefix}MacAddress`);
  const mask = parse(`${prefix}MacMask`);
  return address === undefined || mask === undefined ? undefined : { address, mask };
}

/** A last port below the first is taken for the first, as there (`Cedar/Hub.c` AddAccessListEx). */
function readPorts(reader: FieldReader, prefix: string): AccessEndpoint["ports"] {
  const first = reader.uint(`${prefix}PortStart`);
  const last = reader.uint(`${prefix}PortEnd`);
  return first === 0 && last === 0 ? undefined : { first, last: Math.max(first, last) };
}

function writeEndpoint(
  endpoint: AccessEndpoint,
  side: Side,
  version: AccessRule["version"],
): Record<string, Field> {
  const { address: prefix, mac: macPrefix, checkMac } = sides[side];
  const { bytes: size, suffix } = addressFields[version];
  const { network, mac, ports, user } = endpoint;
  const any = new Uint8Array(size);
  return {
    [`${prefix}IpAddress${suffix}`]: fields.text(formatAddress(network?.address ?? any)),
    [`${prefix}SubnetMask${suffix}`]: fields.text(formatAddress(network?.mask ?? any)),
    [`${prefix}PortStart`]: fields.uint(ports?.first ?? 0),
    [`${prefix}PortEnd`]: fields.uint(ports?.last ?? 0),
    [`${prefix}Username`]: fields.text(user ?? ""),
    [checkMac]: fields.bool(mac !== undefined),
    ...(mac && {
      [`${macPrefix}MacAddress`]: fields.text(formatMac(mac.address)),
      [`${macPrefix}MacMask`]: fields.text(formatMac(mac.mask)),
    }),
  };
}
