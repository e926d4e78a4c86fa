import type { PinnedMemory } from "../native/pinned-memory.ts";
import { packetDeviceLimits } from "../limits.ts";
import { ioctlArgumentBytes, type SystemCalls } from "../native/system-calls.ts";

// linux/sockios.h, linux/if.h, linux/if_arp.h
const AF_INET = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCSIFHWADDR = 0x8924;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCSIFTXQLEN = 0x8943;
const IFF_UP = 0x0001;
const IFF_NOARP = 0x0080;
const ARPHRD_ETHER = 1;
/** Of a name in `struct ifreq`, with the zero byte at its end; the rest is what is asked for. */
export const nameBytes = 16;

/**
 * A `struct ifreq` with a name; the caller releases it.
 *
 * @throws {RangeError} for a name that no interface can have
 */
export function interfaceRequest(calls: SystemCalls, name: string): PinnedMemory {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes >= nameBytes || /[\s/:\0]|^\.{1,2}$/.test(name)) {
    throw new RangeError(
      `no network interface can be named "${name}": 1 to 15 bytes without spaces, "/" and ":"`,
    );
  }
  const request = calls.allocate(ioctlArgumentBytes);
  request.bytes.write(name);
  return request;
}

/** How an interface is set up through which the host's kernel routes. */
export interface RoutedSetup {
  /** 6 bytes. Frames of the kernel have it as source and destination: it asks for no other (`IFF_NOARP`). */
  readonly mac: Uint8Array;
  /** Of the kernel's end, and of the network that it has a route to from then on. */
  readonly address: number;
  readonly mask: number;
  readonly mtu: number;
}

/** The kernel takes no less for IPv4 (RFC 791). */
const leastMtu = 68;

/**
 * Brings a TAP of ours up.
 *
 * @param mac 6 bytes that it gets before; without it keeps its own
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN
 */
export function bringUp(calls: SystemCalls, request: PinnedMemory, mac?: Uint8Array): void {
  withSocket(calls, (ask) => {
    lengthenQueue(ask, request);
    if (mac !== undefined) setMac(ask, request, mac);
    addFlags(ask, request, IFF_UP);
  });
}

/**
 * Brings a TAP of ours up with an address and a route.
 *
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN
 */
export function bringUpRouted(calls: SystemCalls, request: PinnedMemory, setup: RoutedSetup): void {
  const { mac, address, mask, mtu } = setup;
  withSocket(calls, (ask) => {
    lengthenQueue(ask, request);
    setMac(ask, request, mac);
    request.bytes.writeInt32LE(Math.max(mtu, leastMtu), nameBytes);
    ask(SIOCSIFMTU, request);
    for (const [what, value] of [
      [SIOCSIFADDR, address],
      [SIOCSIFNETMASK, mask],
    ] as const) {
      request.bytes.fill(0, nameBytes);
      request.bytes.writeUInt16LE(AF_INET, nameBytes);
      request.bytes.writeUInt32BE(value, nameBytes + 4);
      ask(what, request);
    }
    addFlags(ask, request, IFF_UP | IFF_NOARP);
  });
}

/**
 * Makes room for what the host sends while the thread does something else: of small packets the kernel's own 1,000 come in some
 * milliseconds.
 */
function lengthenQueue(ask: Ask, request: PinnedMemory): void {
  request.bytes.writeInt32LE(packetDeviceLimits.tapFrames, nameBytes);
  ask(SIOCSIFTXQLEN, request);
  request.bytes.fill(0, nameBytes);
}

function setMac(ask: Ask, request: PinnedMemory, mac: Uint8Array): void {
  request.bytes.writeUInt16LE(ARPHRD_ETHER, nameBytes);
  request.bytes.set(mac, nameBytes + 2);
  ask(SIOCSIFHWADDR, request);
}

function addFlags(ask: Ask, request: PinnedMemory, flags: number): void {
  ask(SIOCGIFFLAGS, request);
  request.bytes.writeUInt16LE(request.bytes.readUInt16LE(nameBytes) | flags, nameBytes);
  ask(SIOCSIFFLAGS, request);
}

/**
 * Number of an interface that frames can go through.
 *
 * @throws {SystemCallError} ENODEV when there is none of this name
 * @throws {Error} when it is down, or is not of Ethernet
 */
export function indexOfEthernet(calls: SystemCalls, request: PinnedMemory, name: string): number {
  return withSocket(calls, (ask) => {
    ask(SIOCGIFHWADDR, request);
    if (request.bytes.readUInt16LE(nameBytes) !== ARPHRD_ETHER) throw new Error(`${name} is not of Ethernet`);
    ask(SIOCGIFFLAGS, request);
    if ((request.bytes.readUInt16LE(nameBytes) & IFF_UP) === 0) throw new Error(`${name} is down`);
    ask(SIOCGIFINDEX, request);
    return request.bytes.readInt32LE(nameBytes);
  });
}

/**
 * Bytes that a packet may have which leaves by an interface.
 *
 * @throws {SystemCallError} ENODEV when there is none of this name
 */
export function mtuOf(calls: SystemCalls, request: PinnedMemory): number {
  return withSocket(calls, (ask) => {
    ask(SIOCGIFMTU, request);
    return request.bytes.readInt32LE(nameBytes);
  });
}

type Ask = (request: number, argument: PinnedMemory) => void;

function withSocket<T>(calls: SystemCalls, work: (ask: Ask) => T): T {
  const socket = calls.datagramSocket();
  try {
    return work((request, argument) => void calls.ioctl(socket, request, argument));
  } finally {
    calls.close(socket);
  }
}
