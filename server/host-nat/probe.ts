import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { Frame, read32 } from "../ethernet/frame.ts";
import { PacketWriter, ipProtocols, type Station } from "../secure-nat/packet-writer.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";

const unreachable = 3;
const icmpHeaderBytes = 8;
const ipv4HeaderBytes = 20;
const timeToLiveAt = 8;
/** Enough to be forwarded. Where somebody has just flushed our rules, the next router drops it. */
const timeToLive = 2;

/** Where a packet goes that tries the way out: TEST-NET-1 (RFC 5737) and the port of `discard`. */
export const probeTarget = { address: 0xc000_0201, port: 9 } as const;

/** Code by which our own rule answers, which no firewall uses for what it refuses. */
const passed = 2;

const refusals: Readonly<Record<number, string>> = {
  0: "the host has no route to the Internet",
  1: "the host does not reach its router",
  9: "the host's firewall refuses to forward",
  10: "the host's firewall refuses to forward",
  13: "the host's firewall refuses to forward",
};

/** What came of a packet that tried the way out. */
export type ProbeResult = "passed" | { readonly refused: string };

/**
 * The block with the packet that tries the way out: from a host of our own, through all that the host's kernel does with packets of
 * clients, to an address that nobody has. Behind all other rules our own one answers instead of letting it out.
 */
export function probeBlock(from: Station): Buffer {
  const frames: Buffer[] = [];
  const writer = new PacketWriter({
    send: (buffer, start, end) => void frames.push(Buffer.from(buffer.subarray(start, end))),
    soon: (flush) => flush(),
  });
  const to = { ...from, address: probeTarget.address };
  const at = writer.begin(from, to, ipProtocols.udp);
  writer.buffer[at - ipv4HeaderBytes + timeToLiveAt] = timeToLive;
  writer.buffer.writeUInt16BE(probeTarget.port, at);
  writer.buffer.writeUInt16BE(probeTarget.port, at + 2);
  writer.buffer.writeUInt16BE(8, at + 4);
  writer.finishTransport(at + 8, ipProtocols.udp, at + 6);
  return Buffer.concat(frames);
}

/** Finds the answer to a probe from the address `of` among the blocks of `buffer` from `start` to `end`. */
export function findProbeResult(
  buffer: Buffer,
  start: number,
  end: number,
  of: number,
): ProbeResult | undefined {
  const frame = new Frame();
  for (let at = start; at < end;) {
    const frameAt = at + blockHeaderBytes;
    at = frameAt + readUint32(buffer, at);
    const result = frame.read(buffer, frameAt, at) ? resultOf(frame, of) : undefined;
    if (result !== undefined) return result;
  }
  return undefined;
}

function resultOf(frame: Frame, of: number): ProbeResult | undefined {
  const { buffer, network, transport, transportAt, packetEnd, icmpType } = frame;
  const quotedAt = transportAt + icmpHeaderBytes;
  if (network !== "ipv4" || transport !== "icmp" || icmpType !== unreachable) return undefined;
  if (frame.destinationIp3 >>> 0 !== of || quotedAt + ipv4HeaderBytes > packetEnd) return undefined;
  if (internetChecksum(buffer, transportAt, packetEnd) !== 0) return undefined;
  if (read32(buffer, quotedAt + 16) !== (probeTarget.address | 0)) return undefined;
  const code = buffer[transportAt + 1] as number;
  return code === passed
    ? "passed"
    : { refused: refusals[code] ?? `the host does not forward (ICMP unreachable, code ${code})` };
}
