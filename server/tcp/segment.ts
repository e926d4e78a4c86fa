import { read16, read32, tcpFlags } from "../ethernet/frame.ts";

/** Without options. */
export const tcpHeaderBytes = 20;
const mostSackBlocks = 4;
const optionKinds = { end: 0, none: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5 } as const;
/** RFC 7323, section 2.3: a larger one is taken for this. */
const mostWindowScale = 14;

/** A TCP segment that came in. One object is filled again and again; positions are in the buffer that was read. */
export class IncomingSegment {
  buffer: Buffer = Buffer.alloc(0);
  sequence = 0;
  acknowledgment = 0;
  /** Of {@link tcpFlags}. */
  flags = 0;
  /** As it stands in the header. */
  window = 0;
  payloadAt = 0;
  payloadEnd = 0;
  /** Option of that name; 0 where it is not. */
  mss = 0;
  /** -1 where the option is not. */
  windowScale = -1;
  sackPermitted = false;
  /** Blocks that the peer has beyond what it acknowledges: start and end of each. */
  readonly sackEdges = new Uint32Array(2 * mostSackBlocks);
  sackBlocks = 0;

  /**
   * Reads the segment of `buffer` from `start` to `end`. The checksum is the caller's business.
   *
   * @returns false when the header is not whole; options that are malformed are as if they were not there
   */
  read(buffer: Buffer, start: number, end: number): boolean {
    if (end - start < tcpHeaderBytes) return false;
    const headerBytes = ((buffer[start + 12] as number) >>> 4) * 4;
    if (headerBytes < tcpHeaderBytes || start + headerBytes > end) return false;
    this.buffer = buffer;
    this.sequence = read32(buffer, start + 4) >>> 0;
    this.acknowledgment = read32(buffer, start + 8) >>> 0;
    this.flags = (buffer[start + 13] as number) & 0x3f;
    this.window = read16(buffer, start + 14);
    this.payloadAt = start + headerBytes;
    this.payloadEnd = end;
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.sackBlocks = 0;
    if (headerBytes > tcpHeaderBytes) this.#readOptions(buffer, start + tcpHeaderBytes, this.payloadAt);
    return true;
  }

  has(flag: keyof typeof tcpFlags): boolean {
    return (this.flags & tcpFlags[flag]) !== 0;
  }

  #readOptions(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      const kind = buffer[at] as number;
      if (kind === optionKinds.end) return;
      if (kind === optionKinds.none) {
        at++;
        continue;
      }
      const bytes = at + 1 < end ? (buffer[at + 1] as number) : 0;
      if (bytes < 2 || at + bytes > end) return;
      if (kind === optionKinds.mss && bytes === 4) this.mss = read16(buffer, at + 2);
      else if (kind === optionKinds.windowScale && bytes === 3)
        this.windowScale = Math.min(buffer[at + 2] as number, mostWindowScale);
      else if (kind === optionKinds.sackPermitted && bytes === 2) this.sackPermitted = true;
      else if (kind === optionKinds.sack && bytes % 8 === 2) {
        this.sackBlocks = Math.min((bytes - 2) / 8, mostSackBlocks);
        for (let edge = 0; edge < 2 * this.sackBlocks; edge++)
          this.sackEdges[edge] = read32(buffer, at + 2 + 4 * edge);
      }
      at += bytes;
    }
  }
}

/** A TCP segment on its way out, without the payload. */
export interface SegmentHeader {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  /** As it stands in the header. */
  readonly window: number;
  /** 0 for none. */
  readonly mss: number;
  /** -1 for none. */
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  /** Start and end of each block, at most three of them. */
  readonly sackEdges: readonly number[];
}

/** Bytes of a header with its options. */
export function headerBytesOf({ mss, windowScale, sackPermitted, sackEdges }: SegmentHeader): number {
  return (
    tcpHeaderBytes +
    (mss > 0 ? 4 : 0) +
    (windowScale >= 0 ? 4 : 0) +
    (sackPermitted ? 4 : 0) +
    (sackEdges.length > 0 ? 4 + 4 * sackEdges.length : 0)
  );
}

/**
 * Writes header and options at `at`, with zeros for the checksum.
 *
 * @returns where the payload begins
 */
export function writeSegmentHeader(
  buffer: Buffer,
  at: number,
  sourcePort: number,
  destinationPort: number,
  header: SegmentHeader,
): number {
  const bytes = headerBytesOf(header);
  write16(buffer, at, sourcePort);
  write16(buffer, at + 2, destinationPort);
  write32(buffer, at + 4, header.sequence);
  write32(buffer, at + 8, header.acknowledgment);
  buffer[at + 12] = (bytes / 4) << 4;
  buffer[at + 13] = header.flags;
  write16(buffer, at + 14, header.window);
  write32(buffer, at + 16, 0);
  let option = at + tcpHeaderBytes;
  if (header.mss > 0) {
    write16(buffer, option, (optionKinds.mss << 8) | 4);
    write16(buffer, option + 2, header.mss);
    option += 4;
  }
  if (header.windowScale >= 0) {
    write32(
      buffer,
      option,
      (optionKinds.none << 24) | (optionKinds.windowScale << 16) | 0x300 | header.windowScale,
    );
    option += 4;
  }
  if (header.sackPermitted) {
    write32(buffer, option, 0x0101_0000 | (optionKinds.sackPermitted << 8) | 2);
    option += 4;
  }
  if (header.sackEdges.length > 0) {
    write32(buffer, option, 0x0101_0000 | (optionKinds.sack << 8) | (2 + 4 * header.sackEdges.length));
    option += 4;
    for (const edge of header.sackEdges) {
      write32(buffer, option, edge);
      option += 4;
    }
  }
  return option;
}

function write16(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}

function write32(buffer: Buffer, at: number, value: number): void {
  write16(buffer, at, value >>> 16);
  write16(buffer, at + 2, value & 0xffff);
}
