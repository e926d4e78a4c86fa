import type { PinnedMemory } from "../native/pinned-memory.ts";
import { ioctlArgumentBytes, type SystemCalls } from "../native/system-calls.ts";

// linux/sockios.h, linux/if.h, linux/if_arp.h
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFMTU = 0x8921;
const SIOCSIFHWADDR = 0x8924;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFF_UP = 0x0001;
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

/**
 * Brings an interface up.
 *
 * @param mac 6 bytes that it gets before; without it keeps its own
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN
 */
export function bringUp(calls: SystemCalls, request: PinnedMemory, mac?: Uint8Array): void {
  withSocket(calls, (ask) => {
    if (mac !== undefined) {
      request.bytes.writeUInt16LE(ARPHRD_ETHER, nameBytes);
      request.bytes.set(mac, nameBytes + 2);
      ask(SIOCSIFHWADDR, request);
    }
    ask(SIOCGIFFLAGS, request);
    request.bytes.writeUInt16LE(request.bytes.readUInt16LE(nameBytes) | IFF_UP, nameBytes);
    ask(SIOCSIFFLAGS, request);
  });
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

function withSocket<T>(
  calls: SystemCalls,
  work: (ask: (request: number, argument: PinnedMemory) => void) => T,
): T {
  const socket = calls.datagramSocket();
  try {
    return work((request, argument) => void calls.ioctl(socket, request, argument));
  } finally {
    calls.close(socket);
  }
}
