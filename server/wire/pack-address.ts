import { formatAddress, parseAddress } from "../ethernet/ip-address.ts";
import { atOnce, mapped, type Steps } from "../turns.ts";
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
  atOnce(addAddressesInSteps(pack, name, addresses));
  return pack;
}

/** Like {@link addAddresses}, which may be thousands. */
export function* addAddressesInSteps(pack: Pack, name: string, addresses: Iterable<string>): Steps<void> {
  const parsed = yield* mapped(addresses, (address) => addressBytes(name, address));
  const ints = (valueOf: (bytes: Uint8Array) => number) => mapped(parsed, valueOf, bytesPerStep);
  const words = yield* ints((bytes) => (isIPv6(bytes) ? 0 : wordOf(bytes)));
  yield* pack.addInSteps(name, { type: "int", values: words });
  const areIPv6 = yield* ints((bytes) => (isIPv6(bytes) ? 1 : 0));
  yield* pack.addInSteps(`${name}@ipv6_bool`, { type: "int", values: areIPv6 });
  const arrays = yield* mapped(parsed, (bytes) => (isIPv6(bytes) ? bytes : noIPv6), bytesPerStep);
  yield* pack.addInSteps(`${name}@ipv6_array`, { type: "data", values: arrays });
  yield* pack.addInSteps(`${name}@ipv6_scope_id`, { type: "int", values: yield* ints(() => 0) });
}

/** Addresses in bytes that are looked at in one step. */
const bytesPerStep = 1_024;

function isIPv6(bytes: Uint8Array): boolean {
  return bytes.length === 16;
}

/** @throws {RangeError} for a text that is no IP address */
function addressBytes(name: string, address: string): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new RangeError(`PACK element "${name}": "${address}" is no IP address`);
  return bytes;
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
