/** MAC address of a station by number: `5E-00-00-00-00-NN`. */
export function mac(station: number): Buffer {
  const address = Buffer.alloc(6);
  address[0] = 0x5e;
  address.writeUInt32BE(station, 2);
  return address;
}

export const broadcastMac = Buffer.alloc(6, 0xff);

/** An Ethernet frame. */
export function ethernet(
  destination: Buffer,
  source: Buffer,
  etherType = 0x88b5,
  payload: Buffer = Buffer.alloc(46),
): Buffer {
  return Buffer.concat([destination, source, word(etherType), payload]);
}

/** The same frame with a VLAN tag. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), word(0x8100), word(vlan), frame.subarray(12)]);
}

export interface Stations {
  readonly from: number;
  /** Undefined for everybody. */
  readonly to?: number | undefined;
}

export interface Ipv4 extends Stations {
  /** `10.0.0.N` of the stations by default. */
  readonly sourceIp?: string;
  readonly destinationIp?: string;
  readonly protocol?: number;
  /** In units of eight bytes. */
  readonly fragmentOffset?: number;
  readonly options?: Buffer;
}

export function ipv4(packet: Ipv4, payload: Buffer): Buffer {
  const header = Buffer.alloc(20 + (packet.options?.length ?? 0));
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(packet.fragmentOffset ?? 0, 6);
  header[8] = 64;
  header[9] = packet.protocol ?? 253;
  header.set(ip4(packet.sourceIp ?? `10.0.0.${packet.from}`), 12);
  header.set(
    ip4(packet.destinationIp ?? (packet.to === undefined ? "10.0.0.255" : `10.0.0.${packet.to}`)),
    16,
  );
  packet.options?.copy(header, 20);
  return ethernet(macOf(packet), mac(packet.from), 0x0800, Buffer.concat([header, payload]));
}

export interface Ipv6 extends Stations {
  /** Sixteen bytes in hexadecimal; `fe80::N` of the stations by default. */
  readonly sourceIp?: string;
  readonly destinationIp?: string;
  readonly protocol?: number;
  readonly hopLimit?: number;
}

export function ipv6(packet: Ipv6, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = packet.protocol ?? 253;
  header[7] = packet.hopLimit ?? 255;
  header.set(Buffer.from(packet.sourceIp ?? linkLocal(packet.from), "hex"), 8);
  const everybody = "ff020000000000000000000000000001";
  const destination = packet.destinationIp ?? (packet.to === undefined ? everybody : linkLocal(packet.to));
  header.set(Buffer.from(destination, "hex"), 24);
  return ethernet(macOf(packet), mac(packet.from), 0x86dd, Buffer.concat([header, payload]));
}

/** `fe80::N` in hexadecimal. */
export function linkLocal(station: number): string {
  return `fe80${station.toString(16).padStart(28, "0")}`;
}

export interface Ports {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface Tcp extends Ports {
  /** ACK by default. */
  readonly flags?: number;
  readonly payload?: Buffer;
  readonly sequence?: number;
  readonly acknowledgement?: number;
}

export function tcp({ sourcePort = 40_000, destinationPort = 5201, payload, ...segment }: Tcp): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(segment.sequence ?? 0, 4);
  header.writeUInt32BE(segment.acknowledgement ?? 0, 8);
  header[12] = 0x50;
  header[13] = segment.flags ?? 0x10;
  header.writeUInt16BE(1024, 14);
  return Buffer.concat([header, payload ?? Buffer.alloc(0)]);
}

export function udp(
  { sourcePort = 40_000, destinationPort = 5201 }: Ports,
  payload: Buffer = Buffer.alloc(16),
): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** A TCP segment in the middle of a connection over IPv4. */
export function tcp4(packet: Ipv4, segment: Tcp = {}): Buffer {
  return ipv4({ ...packet, protocol: 6 }, tcp(segment));
}

export function udp4(packet: Ipv4, ports: Ports = {}, payload?: Buffer): Buffer {
  return ipv4({ ...packet, protocol: 17 }, udp(ports, payload));
}

const arpOfIPv4 = Buffer.from("000108000604", "hex");

export function arp(
  { from, to }: Stations,
  options: { readonly operation?: 1 | 2; readonly senderIp?: string; readonly targetIp?: string } = {},
): Buffer {
  const { operation = 1, senderIp = `10.0.0.${from}`, targetIp = "10.0.0.254" } = options;
  const payload = Buffer.alloc(28);
  payload.set(arpOfIPv4, 0);
  payload.writeUInt16BE(operation, 6);
  mac(from).copy(payload, 8);
  ip4(senderIp).copy(payload, 14);
  ip4(targetIp).copy(payload, 24);
  return ethernet(macOf({ from, to }), mac(from), 0x0806, payload);
}

export interface Dhcp extends Ipv4 {
  /** 1 DISCOVER, 2 OFFER, 3 REQUEST, 5 ACK. */
  readonly type: number;
  readonly client: number;
  readonly yourIp?: string;
}

export function dhcp({ type, client, yourIp = "0.0.0.0", ...packet }: Dhcp): Buffer {
  const isReply = type === 2 || type === 5;
  const message = Buffer.alloc(236);
  message.set([isReply ? 2 : 1, 1, 6], 0);
  message.writeUInt32BE(0x1234, 4);
  message.set(ip4(yourIp), 16);
  message.set(mac(client), 28);
  const options = Buffer.from([0x63, 0x82, 0x53, 0x63, 0, 12, 2, 0x61, 0x62, 53, 1, type, 255]);
  const ports = isReply ? { sourcePort: 67, destinationPort: 68 } : { sourcePort: 68, destinationPort: 67 };
  return udp4(packet, ports, Buffer.concat([message, options]));
}

/** Zeros for the checksum; the receiver would not take it, a switch does. */
export function icmpv6(packet: Ipv6, type: number, body: Buffer = Buffer.alloc(20)): Buffer {
  return ipv6({ ...packet, protocol: 58 }, Buffer.concat([Buffer.from([type, 0, 0, 0]), body]));
}

export function routerAdvertisement(packet: Ipv6, lifetimeSeconds: number): Buffer {
  const body = Buffer.alloc(12);
  body[0] = 64;
  body.writeUInt16BE(lifetimeSeconds, 2);
  const frame = icmpv6(packet, 134, body);
  frame.writeUInt16BE(checksumOfIpv6(frame), 14 + 40 + 2);
  return frame;
}

/** What the checksum of the ICMPv6 message of a frame should be, where it stands as zero; straight from RFC 8200. */
export function checksumOfIpv6(frame: Buffer): number {
  const message = frame.subarray(54);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(message.length, 0);
  pseudo[7] = 58;
  const all = Buffer.concat([frame.subarray(22, 54), pseudo, message, Buffer.alloc(message.length % 2)]);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return 0xffff - sum;
}

export function dnsQuery(packet: Ipv4, name: string): Buffer {
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label, "latin1")]);
  const message = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
  return udp4(packet, { destinationPort: 53 }, message);
}

/** A spanning tree message of a bridge. */
export function bpdu(from: number, bridge: number): Buffer {
  const payload = Buffer.alloc(46);
  payload.set([0x42, 0x42, 0x03], 0);
  mac(bridge).copy(payload, 22);
  return ethernet(Buffer.from("0180c2000000", "hex"), mac(from), 38, payload);
}

function macOf({ to }: Stations): Buffer {
  return to === undefined ? broadcastMac : mac(to);
}

function ip4(text: string): Buffer {
  return Buffer.from(text.split(".").map(Number));
}

function word(number: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}
