import type { PinnedMemory } from "./pinned-memory.ts";
import type { Descriptor, SystemCalls } from "./system-calls.ts";

const [AF_INET, AF_INET6] = [2, 10];
const IPPROTO_TCP = 6;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const TCP_ESTABLISHED = 1;

/** Of `struct nlmsghdr`, with `struct inet_diag_req_v2` and `struct inet_diag_msg` (`linux/netlink.h`, `linux/inet_diag.h`). */
const request = { family: 16, protocol: 17, states: 20, socket: 24, bytes: 72 } as const;
const answer = { state: 17, user: 80, inode: 84, bytes: 88 } as const;
/** `struct inet_diag_sockid`. */
const socketId = { sourcePort: 0, destinationPort: 2, source: 4, destination: 20, cookie: 40 } as const;
const noCookie = 0xffff_ffff;
/** An error repeats the request behind its own header. */
const mostAnswerBytes = 512;
/** `struct sockaddr_nl`: to the kernel. */
const addressBytes = 12;
const AF_NETLINK = 16;

/** An end of a TCP connection; the address has 4 or 16 bytes. */
export interface TcpEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

/**
 * Tells whose a TCP socket of this host is. The kernel answers at once, however many there are (sock_diag(7)); nobody else can know
 * which of the host's users is at the other end of a connection by loopback.
 */
export class SocketOwners {
  readonly #calls: SystemCalls;
  readonly #descriptor: Descriptor;
  readonly #message: PinnedMemory;
  readonly #kernel: PinnedMemory;
  #asked = 0;

  /** @throws {SystemCallError} where the kernel does not answer such questions */
  constructor(calls: SystemCalls) {
    this.#calls = calls;
    this.#descriptor = calls.diagnosisSocket();
    this.#message = calls.allocate(mostAnswerBytes);
    this.#kernel = calls.allocate(addressBytes);
    this.#kernel.bytes.writeUInt16LE(AF_NETLINK, 0);
  }

  /**
   * The user of the socket whose own end is `own` and whose other end is `other`, by number.
   *
   * @returns undefined where nobody has such a socket open, or the kernel does not say
   */
  userOf(own: TcpEnd, other: TcpEnd): number | undefined {
    if (own.address.length !== other.address.length) return undefined;
    try {
      const sequence = this.#ask(own, other);
      return this.#answer(sequence);
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#calls.close(this.#descriptor);
    for (const memory of [this.#message, this.#kernel]) memory.release();
  }

  #ask(own: TcpEnd, other: TcpEnd): number {
    const { bytes } = this.#message;
    const sequence = (this.#asked = (this.#asked + 1) >>> 0);
    bytes.fill(0);
    bytes.writeUInt32LE(request.bytes, 0);
    bytes.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
    bytes.writeUInt16LE(NLM_F_REQUEST, 6);
    bytes.writeUInt32LE(sequence, 8);
    bytes[request.family] = own.address.length === 4 ? AF_INET : AF_INET6;
    bytes[request.protocol] = IPPROTO_TCP;
    bytes.writeUInt32LE(1 << TCP_ESTABLISHED, request.states);
    const id = request.socket;
    bytes.writeUInt16BE(own.port, id + socketId.sourcePort);
    bytes.writeUInt16BE(other.port, id + socketId.destinationPort);
    bytes.set(own.address, id + socketId.source);
    bytes.set(other.address, id + socketId.destination);
    bytes.writeUInt32LE(noCookie, id + socketId.cookie);
    bytes.writeUInt32LE(noCookie, id + socketId.cookie + 4);
    this.#calls.sendTo(this.#descriptor, this.#message, 0, request.bytes, this.#kernel, addressBytes);
    return sequence;
  }

  #answer(sequence: number): number | undefined {
    const { bytes } = this.#message;
    const length = this.#calls.read(this.#descriptor, this.#message, 0, mostAnswerBytes) ?? 0;
    if (length < answer.bytes || bytes.readUInt32LE(8) !== sequence) return undefined;
    if (bytes.readUInt16LE(4) !== SOCK_DIAG_BY_FAMILY) return undefined;
    // One that was closed is nobody's, and then the kernel says 0, which is root.
    if (bytes[answer.state] !== TCP_ESTABLISHED || bytes.readUInt32LE(answer.inode) === 0) return undefined;
    return bytes.readUInt32LE(answer.user);
  }
}
