/** MAC address of a station by number: `5E-00-00-00-00-NN`. */
export function mac(station: number): Buffer {
  const address = Buffer.from("5e0000000000", "hex");
  address.writeUInt32BE(station, 2);
  return address;
}

export const broadcastMac = Buffer.alloc(6, 0xff);

/** An Ethernet frame. */
export function ethernet(
  destination: Buffer,
  source: Buffer,
  etherType = 0x88b5,
  payload: Buffer = Buffer.alloc(46),
): Buffer {
  const type = Buffer.alloc(2);
  type.writeUInt16BE(etherType);
  return Buffer.concat([destination, source, type, payload]);
}
