const etherTypeAt = 12;
const ipv4TypeOfServiceAt = 15;
const ipv4ProtocolAt = 23;
const icmp = 1;

/**
 * Whether a frame should not wait behind others in a session with the VoIP / QoS function: IPv4 with a type of service other
 * than 0 and 8 (throughput), or a short ICMP message (`Cedar/Session.c` IsPriorityHighestPacketForQoS).
 */
export function isPriorityFrame(buffer: Buffer, start: number, end: number): boolean {
  const size = end - start;
  if (size < 16 || buffer[start + etherTypeAt] !== 0x08 || buffer[start + etherTypeAt + 1] !== 0x00)
    return false;
  const typeOfService = buffer[start + ipv4TypeOfServiceAt];
  if (typeOfService !== 0 && typeOfService !== 8) return true;
  return size >= 34 && size <= 128 && buffer[start + ipv4ProtocolAt] === icmp;
}
