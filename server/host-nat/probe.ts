import { internetChecksum } from "../ethernet/frame-checksum.ts";
import { Frame, read32, tcpFlags } from "../ethernet/frame.ts";
import { PacketWriter, ipProtocols, type Station } from "../secure-nat/packet-writer.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";

/**
 * Where packets go that try the way out, which nobody has (TEST-NET-1, RFC 5737): our own rule behind all others answers what goes to the
 * one address, and lets what goes to the other disappear. The answer is a reset, since the kernel sends errors of ICMP so often only, which
 * strangers can use up.
 */
export const probeTargets = { answered: 0xc000_0201, silent: 0xc000_0202, port: 443 } as const;

const unreachable = 3;
const icmpHeaderBytes = 8;
const ipv4HeaderBytes = 20;
const tcpHeaderBytes = 20;
const timeToLiveAt = 8;
/** Enough to be forwarded. Where somebody has just flushed our rules, the next router drops it. */
const timeToLive = 2;

const refused = "the host's firewall refuses to forward";
const refusals: Readonly<Record<number, string>> = {
  0: "the host has no route to the Internet",
  1: "the host does not reach its router",
  9: refused,
  10: refused,
  13: refused,
};

/** What came of packets that tried the way out. */
export type ProbeResult = "passed" | { readonly refused: string };

/**
 * The blocks with two packets that open a connection: from a host of our own, through all that the host's kernel does with packets of
 * clients. The one without an answer goes first, so that a firewall that answers both is known for it.
 *
 * @param port of the sender
 */
export function probeBlocks(from: Station, port: number): Buffer {
  const frames: Buffer[] = [];
  const writer = new PacketWriter({
    send: (buffer, start, end) => void frames.push(Buffer.from(buffer.subarray(start, end))),
    soon: (flush) => flush(),
  });
  for (const address of [probeTargets.silent, probeTargets.answered]) {
    const at = writer.begin(from, { ...from, address }, ipProtocols.tcp);
    const { buffer } = writer;
    buffer[at - ipv4HeaderBytes + timeToLiveAt] = timeToLive;
    buffer.fill(0, at, at + tcpHeaderBytes);
    buffer.writeUInt16BE(port, at);
    buffer.writeUInt16BE(probeTargets.port, at + 2);
    buffer.writeUInt32BE(1, at + 4);
    buffer[at + 12] = (tcpHeaderBytes / 4) << 4;
    buffer[at + 13] = tcpFlags.syn;
    buffer.writeUInt16BE(0xffff, at + 14);
    writer.finishTransport(at + tcpHeaderBytes, ipProtocols.tcp, at + 16);
  }
  return Buffer.concat(frames);
}

/** Finds the first answer to probes from the address `of` among the blocks of `buffer` from `start` to `end`. */
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
    const isForProbe = frame.read(buffer, frameAt, at) && frame.destinationIp3 >>> 0 === of;
    const result = isForProbe && frame.network === "ipv4" ? resultOf(frame) : undefined;
    if (result !== undefined) return result;
  }
  return undefined;
}

function resultOf(frame: Frame): ProbeResult | undefined {
  if (frame.transport === "icmp") return refusalIn(frame);
  if (frame.transport !== "tcp" || (frame.tcpFlags & tcpFlags.rst) === 0) return undefined;
  if (frame.sourceIp3 >>> 0 === probeTargets.answered) return "passed";
  return frame.sourceIp3 >>> 0 === probeTargets.silent ? { refused } : undefined;
}

function refusalIn({ buffer, transportAt, packetEnd, icmpType }: Frame): ProbeResult | undefined {
  const quotedAt = transportAt + icmpHeaderBytes;
  if (icmpType !== unreachable || quotedAt + ipv4HeaderBytes > packetEnd) return undefined;
  if (internetChecksum(buffer, transportAt, packetEnd) !== 0) return undefined;
  const target = read32(buffer, quotedAt + 16) >>> 0;
  if (target !== probeTargets.answered && target !== probeTargets.silent) return undefined;
  const code = buffer[transportAt + 1] as number;
  return { refused: refusals[code] ?? `the host does not forward (ICMP unreachable, code ${code})` };
}
