/** Headers and attributes of netlink are in the machine's own order, which is little-endian on all that this server runs on. */
const headerBytes = 16;
/** Behind the header: what family of addresses it is about. */
const familyBytes = 4;
const attributeHeaderBytes = 4;
const attributeTypeMask = 0x3fff;

// linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nfnetlink_conntrack.h
const AF_INET = 2;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const conntrack = { newEntry: 0x100, get: 0x101 } as const;
const attributes = {
  original: 1,
  status: 3,
  protocolInfo: 4,
  timeout: 7,
  sent: 9,
  received: 10,
  times: 20,
} as const;
const tupleParts = { addresses: 1, protocol: 2 } as const;
const addressParts = { source: 1, destination: 2 } as const;
const protocolParts = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const protocolInfoTcp = 1;
const tcpState = 1;
const counterBytes = 2;
const startTime = 1;
const assured = 1 << 2;

/** A request for all connections over IPv4 that the kernel follows. */
export function connectionsRequest(): Buffer {
  const request = Buffer.alloc(headerBytes + familyBytes);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(conntrack.get, 4);
  request.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6);
  request[headerBytes] = AF_INET;
  return request;
}

/** A connection that the kernel follows, as it was begun. One object is filled again and again. */
export class ConntrackEntry {
  /** Of IP. */
  protocol = 0;
  source = 0;
  destination = 0;
  /** 0 where the protocol has none. */
  sourcePort = 0;
  destinationPort = 0;
  /** Of TCP, as the kernel numbers them (`TCP_CONNTRACK_ESTABLISHED` is 3); 0 where it has none. */
  state = 0;
  /** Whether packets went both ways, for longer than a moment. */
  isAssured = false;
  /** Seconds until the kernel forgets it, if nothing comes. */
  timeoutSeconds = 0;
  /** Bytes; 0 where the kernel does not count (`net.netfilter.nf_conntrack_acct`). */
  sent = 0;
  received = 0;
  /** Unix time in milliseconds; 0 where the kernel does not keep it (`net.netfilter.nf_conntrack_timestamp`). */
  startedAt = 0;

  /**
   * Reads the attributes of `buffer` from `start` to `end`.
   *
   * @param isWanted by the address that it came from; others are not looked at any further
   * @returns false for another one, and one that is not whole
   */
  read(buffer: Buffer, start: number, end: number, isWanted: (source: number) => boolean): boolean {
    const find = new Attributes(buffer, start, end).inside(attributes.original);
    const addresses = find?.inside(tupleParts.addresses);
    const source = addresses?.uint(addressParts.source, 4);
    if (find === undefined || source === undefined || !isWanted(source)) return false;
    const destination = addresses?.uint(addressParts.destination, 4);
    const ports = find.inside(tupleParts.protocol);
    const protocol = ports?.uint(protocolParts.number, 1);
    if (destination === undefined || ports === undefined || protocol === undefined) return false;
    const all = new Attributes(buffer, start, end);
    this.source = source;
    this.destination = destination;
    this.protocol = protocol;
    this.sourcePort = ports.uint(protocolParts.sourcePort, 2) ?? 0;
    this.destinationPort = ports.uint(protocolParts.destinationPort, 2) ?? 0;
    this.state = all.inside(attributes.protocolInfo)?.inside(protocolInfoTcp)?.uint(tcpState, 1) ?? 0;
    this.isAssured = ((all.uint(attributes.status, 4) ?? 0) & assured) !== 0;
    this.timeoutSeconds = all.uint(attributes.timeout, 4) ?? 0;
    this.sent = all.inside(attributes.sent)?.long(counterBytes) ?? 0;
    this.received = all.inside(attributes.received)?.long(counterBytes) ?? 0;
    this.startedAt = Math.floor((all.inside(attributes.times)?.long(startTime) ?? 0) / 1e6);
    return true;
  }
}

/** What a piece of the kernel's answer says: that more comes, that this was all, or by its number why there is no more. */
export type AnswerEnd = "more" | "done" | { readonly errno: number };

/**
 * Reads messages of the kernel's answer, the first `length` bytes of `buffer`. What is not whole, or of another kind, is left out.
 *
 * @param take called for each connection that is wanted; it may not keep the entry
 */
export function readConnections(
  buffer: Buffer,
  length: number,
  entry: ConntrackEntry,
  isWanted: (source: number) => boolean,
  take: () => void,
): AnswerEnd {
  for (let at = 0; at + headerBytes <= length;) {
    const bytes = buffer.readUInt32LE(at);
    const end = at + bytes;
    if (bytes < headerBytes || end > length) return { errno: EBADMSG };
    const type = buffer.readUInt16LE(at + 4);
    const bodyAt = at + headerBytes;
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const errno = bodyAt + 4 <= end ? -buffer.readInt32LE(bodyAt) : 0;
      if (errno > 0) return { errno };
      return type === NLMSG_DONE ? "done" : { errno: EBADMSG };
    }
    const isConnection = type === conntrack.newEntry && buffer[bodyAt] === AF_INET;
    if (isConnection && entry.read(buffer, bodyAt + familyBytes, end, isWanted)) take();
    at += aligned(bytes);
  }
  return "more";
}

const EBADMSG = 74;

/** Attributes that stand side by side; any number of bytes may be damaged. */
class Attributes {
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
  }

  inside(type: number): Attributes | undefined {
    const at = this.#find(type);
    return at < 0 ? undefined : new Attributes(this.#buffer, at + attributeHeaderBytes, this.#endOf(at));
  }

  /** A number in the order of the network. */
  uint(type: number, bytes: number): number | undefined {
    const at = this.#find(type);
    if (at < 0 || this.#endOf(at) - at - attributeHeaderBytes < bytes) return undefined;
    return this.#buffer.readUIntBE(at + attributeHeaderBytes, bytes);
  }

  /** The same of 64 bits, as exact as a number is. */
  long(type: number): number | undefined {
    const at = this.#find(type);
    if (at < 0 || this.#endOf(at) - at - attributeHeaderBytes < 8) return undefined;
    const valueAt = at + attributeHeaderBytes;
    return this.#buffer.readUInt32BE(valueAt) * 0x1_0000_0000 + this.#buffer.readUInt32BE(valueAt + 4);
  }

  /** Where one begins; -1 where it is not, or not whole. */
  #find(type: number): number {
    for (let at = this.#start; at + attributeHeaderBytes <= this.#end;) {
      const bytes = this.#buffer.readUInt16LE(at);
      if (bytes < attributeHeaderBytes || at + bytes > this.#end) return -1;
      if ((this.#buffer.readUInt16LE(at + 2) & attributeTypeMask) === type) return at;
      at += aligned(bytes);
    }
    return -1;
  }

  #endOf(at: number): number {
    return at + this.#buffer.readUInt16LE(at);
  }
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}
