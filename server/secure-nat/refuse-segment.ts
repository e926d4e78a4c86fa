import { tcpFlags, type Frame } from "../ethernet/frame.ts";
import { destinationAddress } from "../ethernet/packed-address.ts";
import { writeSegmentHeader, type IncomingSegment } from "../tcp/segment.ts";
import { ipProtocols, senderOf, type PacketWriter, type Station } from "./packet-writer.ts";

/** Says to a client that there is no connection that its segment could belong to (RFC 9293, section 3.10.7.1). */
export function refuseSegment(
  writer: PacketWriter,
  router: Omit<Station, "address">,
  frame: Frame,
  segment: IncomingSegment,
): void {
  const bytes = segment.payloadEnd - segment.payloadAt;
  const taken = bytes + (segment.has("syn") ? 1 : 0) + (segment.has("fin") ? 1 : 0);
  const remote = { ...router, address: destinationAddress(frame) };
  const at = writer.begin(remote, senderOf(frame), ipProtocols.tcp);
  const end = writeSegmentHeader(writer.buffer, at, frame.destinationPort, frame.sourcePort, {
    sequence: segment.has("ack") ? segment.acknowledgment : 0,
    acknowledgment: segment.has("ack") ? 0 : (segment.sequence + taken) >>> 0,
    flags: tcpFlags.rst | (segment.has("ack") ? 0 : tcpFlags.ack),
    window: 0,
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    sackEdges: [],
  });
  writer.finishTransport(end, ipProtocols.tcp, at + 16);
}
