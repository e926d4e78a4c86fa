/** Size of the fixed part (RFC 2131, section 2), and of the smallest message that everybody takes, as BOOTP had it. */
const headerBytes = 236;
const leastBytes = 300;
const magicCookie = 0x63825363;
/** Options of one message that are looked at. */
const mostOptions = 256;

export const dhcpPorts = { server: 67, client: 68 } as const;

/** Of option 53. */
export const dhcpTypes = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** RFC 2132; 121 is of RFC 3442, and 249 the same as Windows asked for it before. */
export const dhcpOptions = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  requestedAddress: 50,
  leaseSeconds: 51,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  clientIdentifier: 61,
  classlessRoutes: 121,
  classlessRoutesOfWindows: 249,
  end: 255,
} as const;

/** A message of DHCP over Ethernet. Addresses are numbers of 32 bits, 0 for none. */
export interface DhcpMessage {
  readonly isReply: boolean;
  readonly transactionId: number;
  /** The client cannot take an answer that is addressed to it yet. */
  readonly broadcast: boolean;
  /** The client has this address and may be answered there (`ciaddr`). */
  readonly clientAddress: number;
  /** The client's from now on (`yiaddr`). */
  readonly yourAddress: number;
  /** Of a relay between client and server (`giaddr`). */
  readonly relayAddress: number;
  readonly clientMac: Uint8Array;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/**
 * Reads the payload of a UDP packet from `start` to `end`.
 *
 * @returns `undefined` for what is no DHCP message between an Ethernet client and a server
 */
export function readDhcpMessage(buffer: Buffer, start: number, end: number): DhcpMessage | undefined {
  if (end - start < headerBytes + 4) return undefined;
  const operation = buffer[start];
  const isEthernet = buffer[start + 1] === 1 && buffer[start + 2] === 6;
  if ((operation !== 1 && operation !== 2) || !isEthernet) return undefined;
  if (buffer.readUInt32BE(start + headerBytes) !== magicCookie) return undefined;
  const options = readOptions(buffer, start + headerBytes + 4, end);
  if (options.get(dhcpOptions.messageType)?.length !== 1) return undefined;
  return {
    isReply: operation === 2,
    transactionId: buffer.readUInt32BE(start + 4),
    broadcast: (buffer.readUInt16BE(start + 10) & 0x8000) !== 0,
    clientAddress: buffer.readUInt32BE(start + 12),
    yourAddress: buffer.readUInt32BE(start + 16),
    relayAddress: buffer.readUInt32BE(start + 24),
    clientMac: Uint8Array.from(buffer.subarray(start + 28, start + 34)),
    options,
  };
}

/** Parts of an option that comes several times belong together (RFC 3396). */
function readOptions(buffer: Buffer, start: number, end: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  let count = 0;
  for (let at = start; at < end;) {
    const code = buffer[at] as number;
    if (code === dhcpOptions.end) break;
    if (code === dhcpOptions.pad) {
      at++;
      continue;
    }
    const bytes = buffer[at + 1];
    if (bytes === undefined || at + 2 + bytes > end || ++count > mostOptions) break;
    const value = buffer.subarray(at + 2, at + 2 + bytes);
    const former = options.get(code);
    options.set(code, former === undefined ? Uint8Array.from(value) : Buffer.concat([former, value]));
    at += 2 + bytes;
  }
  return options;
}

/**
 * The payload of a UDP packet. A value of more than 255 bytes is written in parts.
 *
 * @throws {RangeError} for a message without its type
 */
export function writeDhcpMessage(message: DhcpMessage): Buffer {
  const type = message.options.get(dhcpOptions.messageType);
  if (type?.length !== 1) throw new RangeError("a DHCP message without its type");
  const fixed = Buffer.alloc(headerBytes + 4);
  fixed[0] = message.isReply ? 2 : 1;
  fixed[1] = 1;
  fixed[2] = 6;
  fixed.writeUInt32BE(message.transactionId, 4);
  fixed.writeUInt16BE(message.broadcast ? 0x8000 : 0, 10);
  fixed.writeUInt32BE(message.clientAddress, 12);
  fixed.writeUInt32BE(message.yourAddress, 16);
  fixed.writeUInt32BE(message.relayAddress, 24);
  fixed.set(message.clientMac.subarray(0, 6), 28);
  fixed.writeUInt32BE(magicCookie, headerBytes);
  const parts: Uint8Array[] = [fixed];
  // Some clients look for the type before everything else.
  const others = [...message.options].filter(([code]) => code !== dhcpOptions.messageType);
  for (const [code, value] of [[dhcpOptions.messageType, type] as const, ...others]) {
    for (let at = 0; at === 0 || at < value.length; at += 255) {
      const part = value.subarray(at, at + 255);
      parts.push(Uint8Array.of(code, part.length), part);
    }
  }
  parts.push(Uint8Array.of(dhcpOptions.end));
  const bytes = Buffer.concat(parts);
  return bytes.length >= leastBytes ? bytes : Buffer.concat([bytes], leastBytes);
}
