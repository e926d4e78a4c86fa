import { internetChecksum, transportChecksum } from "../ethernet/frame-checksum.ts";

/**
 * What a kernel leaves to the network card, and tells in a `struct virtio_net_hdr` (`linux/virtio_net.h`). Frames that programs of the
 * same host send, or that were merged when they came in, have no good checksum and are longer than the MTU.
 */
export interface Unfinished {
  /** Whether the checksum from {@link checksumAt} on is to be finished; that of the pseudo header is in its place. */
  readonly needsChecksum: boolean;
  /** Whether it is to be cut into segments of {@link segmentBytes}. */
  readonly segments: "none" | "tcp4" | "tcp6" | "udp" | "unknown";
  readonly segmentBytes: number;
  /** From the beginning of the frame. */
  readonly checksumAt: number;
  /** Of the checksum itself, from {@link checksumAt}. */
  readonly checksumOffset: number;
}

/** Of the header before each frame. */
export const unfinishedHeaderBytes = 10;

const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
/** Flag beside the kind of segments: congestion is told in the frame. */
const VIRTIO_NET_HDR_GSO_ECN = 0x80;
const kinds: Readonly<Record<number, Unfinished["segments"]>> = { 0: "none", 1: "tcp4", 4: "tcp6", 5: "udp" };

const addressesBytes = 12;
const vlanTypes = [0x8100, 0x88a8];
/** Tags that a frame may have, one in the other. */
const mostTags = 4;
const [ipv4Type, ipv6Type] = [0x0800, 0x86dd];
const protocols = { tcp: 6, udp: 17 } as const;
const tcpFlags = { fin: 0x01, psh: 0x08, cwr: 0x80 } as const;

/** @param at where the header begins */
export function readUnfinished(buffer: Buffer, at = 0): Unfinished {
  return {
    needsChecksum: ((buffer[at] as number) & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0,
    segments: kinds[(buffer[at + 1] as number) & ~VIRTIO_NET_HDR_GSO_ECN] ?? "unknown",
    segmentBytes: buffer.readUInt16LE(at + 4),
    checksumAt: buffer.readUInt16LE(at + 6),
    checksumOffset: buffer.readUInt16LE(at + 8),
  };
}

/**
 * Makes the frames of `buffer` from `start` to `end` whole: finishes the checksum, and cuts it into segments. It may write into the
 * frame.
 *
 * @param emit takes each frame, as the bytes of a buffer that are valid during the call
 * @param scratch for one segment with its headers
 * @returns whether it could; nothing was emitted otherwise
 */
export function finishFrame(
  buffer: Buffer,
  start: number,
  end: number,
  unfinished: Unfinished,
  scratch: Buffer,
  emit: (buffer: Buffer, start: number, end: number) => void,
): boolean {
  if (unfinished.segments === "none") {
    if (unfinished.needsChecksum && !finishChecksum(buffer, start, end, unfinished)) return false;
    emit(buffer, start, end);
    return true;
  }
  const headers = headersOf(buffer, start, end, unfinished.segments);
  if (headers === undefined || unfinished.segmentBytes === 0) return false;
  if (headers.end - start + unfinished.segmentBytes > scratch.length) return false;
  cut(buffer, start, end, headers, unfinished.segmentBytes, scratch, emit);
  return true;
}

function finishChecksum(buffer: Buffer, start: number, end: number, unfinished: Unfinished): boolean {
  const from = start + unfinished.checksumAt;
  const at = from + unfinished.checksumOffset;
  if (at + 2 > end) return false;
  // 0 says that UDP has no checksum, and its other form is the same number.
  buffer.writeUInt16BE(internetChecksum(buffer, from, end) || 0xffff, at);
  return true;
}

/** Where the headers of a frame are. */
interface Headers {
  readonly network: number;
  readonly isIpv4: boolean;
  readonly transport: number;
  readonly protocol: "tcp" | "udp";
  /** Where the payload begins. */
  readonly end: number;
}

/** Undefined when the frame is not of the kind; one in a tunnel is not, whose segments need more than one header. */
function headersOf(
  buffer: Buffer,
  start: number,
  end: number,
  segments: Unfinished["segments"],
): Headers | undefined {
  if (segments === "unknown" || segments === "none") return undefined;
  let at = start + addressesBytes;
  const typeAt = () => (at + 2 <= end ? buffer.readUInt16BE(at) : 0);
  for (let tags = 0; tags < mostTags && vlanTypes.includes(typeAt()); tags++) at += 4;
  const type = typeAt();
  const network = at + 2;
  const protocol = segments === "udp" ? "udp" : "tcp";
  const isIpv4 = type === ipv4Type && segments !== "tcp6";
  if (!isIpv4 && (type !== ipv6Type || segments === "tcp4")) return undefined;
  const fixedBytes = isIpv4 ? 20 : 40;
  if (network + fixedBytes > end) return undefined;
  const bytes = isIpv4 ? ((buffer[network] as number) & 0x0f) * 4 : fixedBytes;
  const transport = network + bytes;
  const found = buffer[network + (isIpv4 ? 9 : 6)];
  if (bytes < fixedBytes || found !== protocols[protocol]) return undefined;
  if (transport + (protocol === "tcp" ? 20 : 8) > end) return undefined;
  const transportBytes = protocol === "tcp" ? ((buffer[transport + 12] as number) >> 4) * 4 : 8;
  const payload = transport + transportBytes;
  if (transportBytes < (protocol === "tcp" ? 20 : 8) || payload >= end) return undefined;
  return { network, isIpv4, transport, protocol, end: payload };
}

function cut(
  buffer: Buffer,
  start: number,
  end: number,
  headers: Headers,
  segmentBytes: number,
  scratch: Buffer,
  emit: (buffer: Buffer, start: number, end: number) => void,
): void {
  const { isIpv4, protocol } = headers;
  const headerBytes = headers.end - start;
  const [network, transport] = [headers.network - start, headers.transport - start];
  const id = isIpv4 ? buffer.readUInt16BE(headers.network + 4) : 0;
  const sequence = protocol === "tcp" ? buffer.readUInt32BE(headers.transport + 4) : 0;
  const flags = protocol === "tcp" ? (buffer[headers.transport + 13] as number) : 0;
  buffer.copy(scratch, 0, start, headers.end);
  let count = 0;
  for (let at = headers.end; at < end; at += segmentBytes, count++) {
    const length = headerBytes + buffer.copy(scratch, headerBytes, at, Math.min(at + segmentBytes, end));
    if (protocol === "tcp") {
      const isLast = at + segmentBytes >= end;
      scratch.writeUInt32BE((sequence + at - headers.end) >>> 0, transport + 4);
      scratch[transport + 13] =
        flags & ~(isLast ? 0 : tcpFlags.fin | tcpFlags.psh) & ~(count === 0 ? 0 : tcpFlags.cwr);
    } else {
      scratch.writeUInt16BE(length - transport, transport + 4);
    }
    if (isIpv4) {
      scratch.writeUInt16BE(length - network, network + 2);
      scratch.writeUInt16BE((id + count) & 0xffff, network + 4);
      scratch.writeUInt16BE(0, network + 10);
      scratch.writeUInt16BE(internetChecksum(scratch, network, transport), network + 10);
    } else {
      scratch.writeUInt16BE(length - network - 40, network + 4);
    }
    const checksumAt = transport + (protocol === "tcp" ? 16 : 6);
    scratch.writeUInt16BE(0, checksumAt);
    const [addressesAt, addressBytes] = isIpv4 ? [network + 12, 8] : [network + 8, 32];
    const sum = transportChecksum(scratch, addressesAt, addressBytes, protocols[protocol], transport, length);
    scratch.writeUInt16BE(sum || 0xffff, checksumAt);
    emit(scratch, 0, length);
  }
}
