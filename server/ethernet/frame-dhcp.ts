const magicCookie = [0x63, 0x82, 0x53, 0x63] as const;
const messageTypeOption = 53;
const padOption = 0;
const endOption = 255;

/**
 * Finds the kind of a DHCP message (RFC 2132, option 53) in the options of `buffer` from `at`, where the magic cookie stands, to
 * `end`; 0 when it is not there.
 */
export function findDhcpMessageType(buffer: Uint8Array, at: number, end: number): number {
  if (magicCookie.some((byte, index) => buffer[at + index] !== byte)) return 0;
  for (let option = at + magicCookie.length; option + 1 < end;) {
    const code = buffer[option] as number;
    if (code === endOption) return 0;
    if (code === padOption) {
      option++;
      continue;
    }
    const bytes = buffer[option + 1] as number;
    if (code === messageTypeOption && bytes === 1 && option + 2 < end) return buffer[option + 2] as number;
    option += 2 + bytes;
  }
  return 0;
}
