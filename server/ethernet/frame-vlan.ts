const addressesBytes = 12;
const tagBytes = 4;
const tagType = 0x8100;

/**
 * Writes the frame of `buffer` from `start` to `end` into `target` at `targetAt` with a tag (IEEE 802.1Q) behind the addresses.
 *
 * @returns length of the frame with its tag
 */
export function writeTagged(
  buffer: Buffer,
  start: number,
  end: number,
  vlan: number,
  target: Buffer,
  targetAt: number,
): number {
  buffer.copy(target, targetAt, start, start + addressesBytes);
  target.writeUInt16BE(tagType, targetAt + addressesBytes);
  target.writeUInt16BE(vlan & 0xfff, targetAt + addressesBytes + 2);
  buffer.copy(target, targetAt + addressesBytes + tagBytes, start + addressesBytes, end);
  return end - start + tagBytes;
}

/** The same without the tag, of a frame that has one. */
export function writeUntagged(
  buffer: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetAt: number,
): number {
  buffer.copy(target, targetAt, start, start + addressesBytes);
  buffer.copy(target, targetAt + addressesBytes, start + addressesBytes + tagBytes, end);
  return end - start - tagBytes;
}
