/**
 * The bytes of an IP address in text form: 4 for IPv4, 16 for IPv6 (RFC 4291, section 2.2, with an IPv4 tail or a zone,
 * which is left out). Undefined for any other text.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIPv6(text.replace(/%.*/s, "")) : parseIPv4(text);
}

/** What belongs to one host: an IPv4 address, or the /64 of an IPv6 one, all addresses of which a host has. */
export function networkOf(address: string): string {
  const bytes = parseAddress(address);
  return bytes?.length === 16 ? Buffer.from(bytes.subarray(0, 8)).toString("hex") : address;
}

/** What one customer of a provider has as a rule: an IPv4 address, or the /48 of an IPv6 one, with all its networks. */
export function siteOf(address: string): string {
  const bytes = parseAddress(address);
  return bytes?.length === 16 ? Buffer.from(bytes.subarray(0, 6)).toString("hex") : address;
}

const decimalByte = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const ipv4 = new RegExp(String.raw`^${decimalByte}(?:\.${decimalByte}){3}$`);

function parseIPv4(text: string): Uint8Array | undefined {
  return ipv4.test(text) ? Uint8Array.from(text.split("."), Number) : undefined;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? Uint8Array.from(head) : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of groups between colons; the last of an address may be an IPv4 address. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  if (groups.length > 8) return undefined;
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const ipv4 = isLast && index === groups.length - 1 ? parseIPv4(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

/**
 * The text form of an address of 4 or 16 bytes; IPv6 as in RFC 5952, section 4: lower case, no leading zeros, the longest
 * run of two or more zero groups, the first of several, left out.
 *
 * @throws {RangeError} for any other number of bytes
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16)
    throw new RangeError(`an IP address of ${bytes.length} bytes; 4 or 16 are allowed`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_value, index) => view.getUint16(index * 2));
  const { start, length } = longestZeroRun(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
