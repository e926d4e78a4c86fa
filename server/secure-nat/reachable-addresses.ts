/**
 * Networks that clients do not reach through a NAT, as first address and length of the prefix: those of the host itself, and those
 * that mean something else seen from there than from the client. Cloud providers give machines their secrets at a link-local address.
 */
const closed = [
  { of: "this network", first: 0x0000_0000, prefix: 8 },
  { of: "loopback", first: 0x7f00_0000, prefix: 8 },
  { of: "link-local, metadata of clouds", first: 0xa9fe_0000, prefix: 16 },
  { of: "multicast, reserved, broadcast", first: 0xe000_0000, prefix: 3 },
] as const;

/** Whether clients may reach an IPv4 address unless told otherwise. */
export function isReachable(address: number): boolean {
  return closed.every(({ first, prefix }) => (address ^ first) >>> (32 - prefix) !== 0);
}
