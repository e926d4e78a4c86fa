import { isIP, isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { ArgumentError } from "./argument-error.ts";
import { describeValue, isLeftOut, kindProblems } from "./argument-kind.ts";

/** Letters, digits, "-" and "_" in parts of up to 63, 253 in all, with or without a dot at the end (RFC 1123, section 2.1). */
const hostName =
  /^(?=.{1,254}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

/**
 * Reads a host name or an address, an IPv6 address with or without brackets and zone.
 *
 * @param elsewhere where user and port belong, for those who write them here
 * @returns the host, an IPv6 address without brackets
 * @throws ArgumentError that names what is there instead; no message holds the password of a URL
 */
export function parseHost(path: string, value: unknown, elsewhere: string): string {
  if (isLeftOut(value)) throw new ArgumentError([`${path} is missing: give the host's name or address`]);
  const problems = kindProblems(path, value, { type: "text" });
  if (problems.length > 0) throw new ArgumentError(problems);
  const text = value as string;
  const bare = withoutBrackets(text);
  if (isHost(bare) && (bare === text || isIPv6(bare))) return bare;
  throw new ArgumentError([`${path} ${problemOf(text, elsewhere)}`]);
}

function isHost(text: string): boolean {
  // Digits and dots alone are an address to every resolver, if not to all of them the same.
  return isIP(text) !== 0 || (hostName.test(text) && !/^[\d.]+$/.test(text));
}

function withoutBrackets(text: string): string {
  return /^\[([^[\]]*)\]$/.exec(text)?.[1] ?? text;
}

function problemOf(text: string, elsewhere: string): string {
  const is = `is ${describeValue(text)}`;
  if (text.trim() === "") return "is empty: give the host's name or address";
  const withoutScheme = text.trim().replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
  const authority = withoutScheme.replace(/[/?#].*/s, "");
  const afterUser = authority.slice(authority.lastIndexOf("@") + 1);
  const [, host = afterUser, port] = /^(\[[^[\]]*\]|[^:]*):(\d*)$/.exec(afterUser) ?? [];
  const alone = isHost(withoutBrackets(host)) ? `, ${JSON.stringify(withoutBrackets(host))},` : "";
  const giveAlone = `give the host${alone} alone; ${elsewhere}`;
  if (withoutScheme !== text.trim()) return `is a URL: ${giveAlone}`;
  if (authority !== afterUser) return `has a user before "@": ${giveAlone}`;
  if (port !== undefined && alone !== "") return `${is}, with a port: ${giveAlone}`;
  if (/\s/.test(text)) {
    const trimmed = isHost(withoutBrackets(text.trim())) ? `: give ${JSON.stringify(text.trim())}` : "";
    return `has white space in it, such as a line break at the end${trimmed}; a host name or an address is needed`;
  }
  if (text.includes("/")) return `${is}, a network or a path: a host name or an address is needed`;
  if (/[:[\]]/.test(text)) return `${is}, which is no IPv6 address: give it as 2001:db8::1`;
  if (/^[\d.]+$/.test(text) && !isIPv4(text)) return `${is}, which is no IPv4 address: give it as 192.0.2.1`;
  const ascii = domainToASCII(text);
  // eslint-disable-next-line no-control-regex -- ASCII is what it looks for
  if (/[^\u0000-\u007f]/.test(text) && isHost(ascii)) return `${is}: give it in its ASCII form, "${ascii}"`;
  return `${is}: a host name of letters, digits, "-" and dots, or an address, is needed`;
}
