import { ethernetHeaderBytes, tcpFlags, type Frame } from "./frame.ts";
import { internetChecksum, transportChecksum } from "./frame-checksum.ts";

const tcp = 6;
const tcpHeaderBytes = 20;

/** Whether a frame carries data of a TCP connection that is open, such as an HTTP request. */
export function carriesTcpData(frame: Frame): boolean {
  const { syn, rst, urg, ack } = tcpFlags;
  return (
    frame.transport === "tcp" &&
    (frame.tcpFlags & (ack | syn | rst | urg)) === ack &&
    frame.packetEnd > frame.payloadAt
  );
}

/**
 * The frame that answers an HTTP request with a redirect, in the name of the server that was asked.
 *
 * @param request read from the frame with the request, for which {@link carriesTcpData} holds
 * @param url where to; what may not stand in a header or in HTML is escaped
 */
export function encodeRedirect(request: Frame, url: string): Buffer {
  const location = escapeUrl(url);
  const { buffer, networkAt, transportAt } = request;
  const body = `<html><head><title>Moved</title></head><body><a href="${location}">${location}</a></body></html>\r\n`;
  const text =
    `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nCache-Control: private\r\nConnection: close\r\n` +
    `Content-Type: text/html; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const ipBytes = request.network === "ipv4" ? 20 : 40;
  const headBytes = networkAt - request.start;
  const ipAt = headBytes;
  const tcpAt = ipAt + ipBytes;
  const frame = Buffer.alloc(tcpAt + tcpHeaderBytes + text.length);
  // Ethernet header and tag are the request's, the addresses the other way round.
  buffer.copy(frame, 0, request.start + 6, request.start + 12);
  buffer.copy(frame, 6, request.start, request.start + 6);
  buffer.copy(frame, 12, request.start + ethernetHeaderBytes - 2, networkAt);
  const tcpBytes = tcpHeaderBytes + text.length;
  if (request.network === "ipv4") {
    frame[ipAt] = 0x45;
    frame.writeUInt16BE(ipBytes + tcpBytes, ipAt + 2);
    frame.writeUInt16BE(0x4000, ipAt + 6);
    frame[ipAt + 8] = 128;
    frame[ipAt + 9] = tcp;
    buffer.copy(frame, ipAt + 12, networkAt + 16, networkAt + 20);
    buffer.copy(frame, ipAt + 16, networkAt + 12, networkAt + 16);
    frame.writeUInt16BE(internetChecksum(frame, ipAt, ipAt + ipBytes), ipAt + 10);
  } else {
    frame[ipAt] = 0x60;
    frame.writeUInt16BE(tcpBytes, ipAt + 4);
    frame[ipAt + 6] = tcp;
    frame[ipAt + 7] = 64;
    buffer.copy(frame, ipAt + 8, networkAt + 24, networkAt + 40);
    buffer.copy(frame, ipAt + 24, networkAt + 8, networkAt + 24);
  }
  frame.writeUInt16BE(request.destinationPort, tcpAt);
  frame.writeUInt16BE(request.sourcePort, tcpAt + 2);
  buffer.copy(frame, tcpAt + 4, transportAt + 8, transportAt + 12);
  const acknowledged = buffer.readUInt32BE(transportAt + 4) + request.packetEnd - request.payloadAt;
  frame.writeUInt32BE(acknowledged % 0x1_0000_0000, tcpAt + 8);
  frame[tcpAt + 12] = (tcpHeaderBytes / 4) << 4;
  frame[tcpAt + 13] = tcpFlags.ack | tcpFlags.psh;
  frame.writeUInt16BE(0xffff, tcpAt + 14);
  frame.write(text, tcpAt + tcpHeaderBytes, "latin1");
  const addressesAt = request.network === "ipv4" ? ipAt + 12 : ipAt + 8;
  const addressBytes = request.network === "ipv4" ? 8 : 32;
  frame.writeUInt16BE(
    transportChecksum(frame, addressesAt, addressBytes, tcp, tcpAt, frame.length),
    tcpAt + 16,
  );
  return frame;
}

function escapeUrl(url: string): string {
  return url
    .trim()
    .replace(/[^\x21-\x7e]+|["'<>]/gu, (text) =>
      Buffer.from(text).reduce((escaped, byte) => escaped + `%${byte.toString(16).padStart(2, "0")}`, ""),
    );
}
