import type { Frame } from "./frame.ts";

const dnsPort = 53;
const headerBytes = 12;
const mostNameBytes = 255;
const mostLabelBytes = 63;

/**
 * The name that a DNS query asks for (RFC 1035 section 4.1.2), with a `?` for each character that is not printable ASCII; undefined
 * when the frame is no query.
 */
export function findDnsQueryName(frame: Frame): string | undefined {
  if (frame.transport !== "udp" || frame.destinationPort !== dnsPort) return undefined;
  const { buffer, payloadAt, packetEnd } = frame;
  if (packetEnd - payloadAt < headerBytes || ((buffer[payloadAt + 2] as number) & 0x80) !== 0)
    return undefined;
  const labels: string[] = [];
  for (let at = payloadAt + headerBytes; at < packetEnd && at - payloadAt < headerBytes + mostNameBytes;) {
    const bytes = buffer[at] as number;
    if (bytes === 0) return labels.length === 0 ? undefined : labels.join(".");
    if (bytes > mostLabelBytes || at + 1 + bytes > packetEnd) return undefined;
    labels.push(buffer.toString("latin1", at + 1, at + 1 + bytes).replace(/[^\x21-\x7e]/g, "?"));
    at += 1 + bytes;
  }
  return undefined;
}

/** Whether a frame may be a DNS query, without looking into it. */
export function mayBeDnsQuery(frame: Frame): boolean {
  return frame.transport === "udp" && frame.destinationPort === dnsPort;
}
