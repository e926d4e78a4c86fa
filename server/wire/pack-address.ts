import { formatAddress, parseAddress } from "../ethernet/ip-address.ts";
import type { Pack } from "./pack.ts";

const noIPv6 = new Uint8Array(16);

/** Little-endian. */
function wordOf([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): number {
  return (first | (second << 8) | (third << 16) | (fourth << 24)) >>> 0;
}

/** Adds an IP address; like {@link addAddresses}. */
export function addAddress(pack: Pack, name: string, address: string): Pack {
  return addAddresses(pack, name, [address]);
}

/**
 * Adds IP addresses as an array: four elements with one value per address.
 *
 *     NAME                  INT       IPv4 address with its first byte lowest, as in memory of a PC; 0 for IPv6
 *     NAME@ipv6_bool        INT       1 for IPv6
 *     NAME@ipv6_array       DATA(16)  IPv6 address; zeros for IPv4
 *     NAME@ipv6_scope_id    INT       0: zones have no meaning elsewhere
 *
 * Source: `Mayaqua/Pack.c` PackAddIpEx2.
 *
 * @throws {RangeError} for a text that is no IP address, and for no address at all
 */
export function addAddresses(pack: Pack, name: string, addresses: readonly string[]): Pack {
  const parsed = addresses.map((address) => addressBytes(name, address));
  return addAddressBytes(pack, name, parsed);
}

/** @throws {RangeError} for a text that is no IP address */
export function addressBytes(name: string, address: string): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new RangeError(`PACK element "${name}": "${address}" is no IP address`);
  return bytes;
}

/** Like {@link addAddresses}, of what {@link addressBytes} gave. */
export function addAddressBytes(pack: Pack, name: string, parsed: readonly Uint8Array[]): Pack {
  const isIPv6 = (bytes: Uint8Array) => bytes.length === 16;
  const int = (values: readonly number[]) => ({ type: "int" as const, values });
  return pack
    .add(name, int(parsed.map((bytes) => (isIPv6(bytes) ? 0 : wordOf(bytes)))))
    .add(`${name}@ipv6_bool`, int(parsed.map((bytes) => (isIPv6(bytes) ? 1 : 0))))
    .add(`${name}@ipv6_array`, {
      type: "data",
      values: parsed.map((bytes) => (isIPv6(bytes) ? bytes : noIPv6)),
    })
    .add(`${name}@ipv6_scope_id`, int(parsed.map(() => 0)));
}

/**
 * The text form of an IP address that {@link addAddress} or an official program added, or undefined when there is none. For
 * IPv4 the first element alone is enough.
 *
 * Source: `Mayaqua/Pack.c` PackGetIpEx.
 */
export function readAddress(pack: Pack, name: string, index = 0): string | undefined {
  if (pack.bool(`${name}@ipv6_bool`, index)) {
    const bytes = pack.data(`${name}@ipv6_array`, index);
    return bytes?.length === 16 ? formatAddress(bytes) : undefined;
  }
  if (index >= pack.count(name)) return undefined;
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(pack.int(name, index));
  return formatAddress(bytes);
}
