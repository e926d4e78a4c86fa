import type { Koffi, KoffiFunction } from "./koffi.ts";
import { ReceiveBatch, SendBatch, type ReceiveSizes } from "./message-batch.ts";
import { addressOf, PinnedMemory } from "./pinned-memory.ts";
import { SystemCallError } from "./system-call-error.ts";

const EINTR = 4;
const EAGAIN = 11;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_ICMPV6 = 58;
/** `struct icmp6_filter`: a bit for each kind of message that is not to come. */
const icmpv6Filter = { level: IPPROTO_ICMPV6, option: 1, bytes: 32, echoReply: 129 } as const;
const NETLINK_SOCK_DIAG = 4;
const TCP_NOTSENT_LOWAT = 25;
const NETLINK_NETFILTER = 12;
const MSG_TRUNC = 0x20;
const TUNSETOFFLOAD = 0x400454d0;
const WNOHANG = 1;
const mostProcessId = 0x7fff_ffff;

/** `struct msghdr` with one `struct iovec` behind it (`bits/socket.h`; the same on x86-64 and arm64). */
const messageHeader = {
  address: 0,
  addressBytes: 8,
  parts: 16,
  partCount: 24,
  control: 32,
  controlBytes: 40,
  part: 56,
  partBytes: 64,
  bytes: 72,
} as const;

/** Of `struct cmsghdr`, with which each control message begins. */
export const controlHeaderBytes = 16;
/** Of an option of a socket, or of an address. */
const mostOptionBytes = 256;

/** Flags of {@link SystemCalls.open} (`asm-generic/fcntl.h`; the same on x86-64 and arm64). */
export const openFlags = { readOnly: 0, readWrite: 2, nonBlocking: 0o4000, closeOnExec: 0o2000000 } as const;

/**
 * Bytes of the argument of an ioctl, whatever the request: TUNSETIFF takes 40, although its number says 4, and those of sockets say
 * nothing.
 */
export const ioctlArgumentBytes = 256;

/**
 * An open file of ours. Its number leaves this room only to be shown: who closes a number twice closes what somebody else has opened
 * in the meantime.
 */
export class Descriptor {
  /** What it is open for, for messages. */
  readonly subject: string;
  #number: number;

  constructor(number: number, subject: string) {
    this.#number = number;
    this.subject = subject;
  }

  /** @throws {TypeError} when it is closed */
  get number(): number {
    if (this.#number < 0) throw new TypeError(`${this.subject} is closed`);
    return this.#number;
  }

  /** The number, which is the caller's from now on. */
  take(): number {
    const { number } = this;
    this.#number = -1;
    return number;
  }
}

/** What comes with a datagram besides its bytes. */
export interface MessageDetails {
  /** Takes the address that it came from, such as a `struct sockaddr_ll`. */
  readonly address: PinnedMemory;
  /** Takes control messages, {@link controlHeaderBytes} at least; the length in the first header is 0 when there is none. */
  readonly control: PinnedMemory;
}

/** Tells when a descriptor has something to read. */
export interface Watch {
  /** No call comes after this. Before the descriptor is closed. */
  stop(): void;
}

/**
 * Functions of Linux's C library. Each checks what it is given before it calls: C gets lengths that are in the memory, and descriptors
 * that are open. No function of C calls back, and none blocks: descriptors are opened with `O_NONBLOCK`.
 *
 * A feature that needs another call adds it here.
 */
export class SystemCalls {
  readonly #koffi: Koffi;
  readonly #open: (path: string, flags: number) => number;
  readonly #close: KoffiFunction;
  readonly #read: (descriptor: number, address: number, bytes: number) => number;
  readonly #write: (descriptor: number, address: number, bytes: number) => number;
  readonly #ioctl: (descriptor: number, request: number, address: number) => number;
  readonly #socket: (family: number, type: number, protocol: number) => number;
  readonly #bind: (descriptor: number, address: number, bytes: number) => number;
  readonly #setsockopt: (
    descriptor: number,
    level: number,
    name: number,
    address: number,
    bytes: number,
  ) => number;
  readonly #sendto: (
    descriptor: number,
    memory: number,
    bytes: number,
    flags: number,
    address: number,
    addressBytes: number,
  ) => number;
  readonly #recvmsg: (descriptor: number, message: number, flags: number) => number;
  readonly #recvmmsg: (
    descriptor: number,
    messages: number,
    count: number,
    flags: number,
    timeout: number,
  ) => number;
  readonly #sendmmsg: (descriptor: number, messages: number, count: number, flags: number) => number;
  readonly #waitpid: (pid: number, status: number, options: number) => number;
  /** Only where the C library is glibc. */
  readonly #mallocTrim: KoffiFunction | undefined;
  /** Filled in for each call of recvmsg, which keeps nothing of it. */
  readonly #message: PinnedMemory;
  /** The value of an option that is a number. */
  readonly #option: PinnedMemory;
  /** Until all that is to be closed apart is closed. */
  #closing: Promise<void> = Promise.resolve();

  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    const c = koffi.load(null);
    // open and ioctl take any number of arguments, which Linux passes as it passes others, as long as none is a fraction.
    this.#open = c.func("int open(const char *path, int flags)");
    this.#close = c.func("int close(int descriptor)");
    this.#read = c.func("intptr_t read(int descriptor, uintptr_t memory, size_t bytes)");
    this.#write = c.func("intptr_t write(int descriptor, uintptr_t memory, size_t bytes)");
    this.#socket = c.func("int socket(int family, int type, int protocol)");
    this.#ioctl = c.func("int ioctl(int descriptor, unsigned long request, uintptr_t memory)");
    this.#bind = c.func("int bind(int descriptor, uintptr_t address, uint32_t bytes)");
    this.#setsockopt = c.func(
      "int setsockopt(int descriptor, int level, int name, uintptr_t value, uint32_t bytes)",
    );
    this.#sendto = c.func(
      "intptr_t sendto(int descriptor, uintptr_t memory, size_t bytes, int flags, uintptr_t address, uint32_t addressBytes)",
    );
    this.#recvmsg = c.func("intptr_t recvmsg(int descriptor, uintptr_t message, int flags)");
    this.#recvmmsg = c.func(
      "int recvmmsg(int descriptor, uintptr_t messages, unsigned int count, int flags, uintptr_t timeout)",
    );
    this.#sendmmsg = c.func(
      "int sendmmsg(int descriptor, uintptr_t messages, unsigned int count, int flags)",
    );
    this.#waitpid = c.func("int waitpid(int pid, uintptr_t status, int options)");
    this.#mallocTrim = functionIfThere(() => c.func("int malloc_trim(size_t kept)"));
    this.#message = PinnedMemory.allocate(koffi, messageHeader.bytes);
    this.#option = PinnedMemory.allocate(koffi, 4);
  }

  /**
   * Gives memory that was allocated in C and freed back to the system, from a thread of its own. The allocator keeps it otherwise, since
   * what is still in use lies between.
   */
  trimHeap(): Promise<void> {
    const trim = this.#mallocTrim;
    return new Promise((resolve) => {
      if (trim === undefined) resolve();
      else trim.async(0, () => resolve());
    });
  }

  /**
   * Takes notice that a child of this process has ended, which the system remembers until then. Not for one that the runtime has
   * started, which waits for it by itself, and would do so for ever.
   *
   * @returns whether it has ended
   * @throws {SystemCallError} ECHILD when it is no child of this process
   */
  reap(pid: number): boolean {
    // Other numbers stand for any child, or for groups of them.
    if (!Number.isSafeInteger(pid) || pid < 1 || pid > mostProcessId) throw new RangeError(`process ${pid}`);
    return this.#checked("waitpid", `process ${pid}`, this.#waitpid(pid, 0, WNOHANG)) === pid;
  }

  /** @throws {RangeError} for a size that cannot be */
  allocate(bytes: number): PinnedMemory {
    return PinnedMemory.allocate(this.#koffi, bytes);
  }

  /** Memory of another thread, which has to hold on to it as well. */
  share(memory: SharedArrayBuffer): PinnedMemory {
    return PinnedMemory.pin(this.#koffi, memory);
  }

  /**
   * Room for datagrams of {@link receiveMessages}, `count` of them.
   *
   * @throws {RangeError} for sizes that cannot be
   */
  receiveBatch(count: number, sizes: ReceiveSizes): ReceiveBatch {
    return new ReceiveBatch(this.#koffi, count, sizes);
  }

  /**
   * What {@link sendMessages} needs, for at most `count` datagrams.
   *
   * @throws {RangeError} for a count that cannot be
   */
  sendBatch(count: number): SendBatch {
    return new SendBatch(this.#koffi, count);
  }

  /**
   * Opens a file or device. It is not handed to programs that are started, and no call on it blocks.
   *
   * @throws {SystemCallError}
   */
  open(path: string, access: "readOnly" | "readWrite"): Descriptor {
    if (typeof path !== "string" || path.includes("\0"))
      throw new TypeError("no path, or one with a zero byte");
    const flags = openFlags[access] | openFlags.nonBlocking | openFlags.closeOnExec;
    return new Descriptor(this.#checked("open", path, this.#open(path, flags)), path);
  }

  /**
   * A UDP socket over IPv4 that is bound to nothing, for requests about network interfaces.
   *
   * @throws {SystemCallError}
   */
  datagramSocket(): Descriptor {
    const type = SOCK_DGRAM | openFlags.nonBlocking | openFlags.closeOnExec;
    return new Descriptor(this.#checked("socket", "of UDP", this.#socket(AF_INET, type, 0)), "a UDP socket");
  }

  /**
   * A socket for the frames of a network interface, packet(7). It gets none until it is bound to one.
   *
   * @throws {SystemCallError} EPERM without CAP_NET_RAW
   */
  packetSocket(): Descriptor {
    const type = SOCK_RAW | openFlags.nonBlocking | openFlags.closeOnExec;
    const number = this.#checked("socket", "of packets", this.#socket(AF_PACKET, type, 0));
    return new Descriptor(number, "a packet socket");
  }

  /**
   * A socket for echo requests, icmp(7). A `datagram` socket gets the answers to its own, and the system gives each its identifier; a `raw`
   * one gets all of ICMP, each with its IP header.
   *
   * @throws {SystemCallError} EACCES or EPERM: `datagram` is for the groups of the sysctl ping_group_range, `raw` for CAP_NET_RAW
   */
  icmpSocket(kind: "datagram" | "raw"): Descriptor {
    const type = (kind === "raw" ? SOCK_RAW : SOCK_DGRAM) | openFlags.nonBlocking | openFlags.closeOnExec;
    const number = this.#checked("socket", "of ICMP", this.#socket(AF_INET, type, IPPROTO_ICMP));
    return new Descriptor(number, "an ICMP socket");
  }

  /**
   * The same for IPv6 (raw(7), RFC 3542): a `raw` one gets all echo replies, without their IP header.
   *
   * @throws {SystemCallError} as {@link icmpSocket}; EAFNOSUPPORT on a host without IPv6
   */
  icmpv6Socket(kind: "datagram" | "raw"): Descriptor {
    const type = (kind === "raw" ? SOCK_RAW : SOCK_DGRAM) | openFlags.nonBlocking | openFlags.closeOnExec;
    const number = this.#checked("socket", "of ICMPv6", this.#socket(AF_INET6, type, IPPROTO_ICMPV6));
    const descriptor = new Descriptor(number, "an ICMPv6 socket");
    if (kind === "datagram") return descriptor;
    const { level, option, bytes, echoReply } = icmpv6Filter;
    const filter = this.allocate(bytes);
    filter.bytes.fill(0xff);
    filter.bytes.writeUInt32LE(~(1 << (echoReply % 32)) >>> 0, Math.floor(echoReply / 32) * 4);
    try {
      this.setOption(descriptor, level, option, filter, bytes);
    } catch (error) {
      this.close(descriptor);
      throw error;
    } finally {
      filter.release();
    }
    return descriptor;
  }

  /**
   * A socket for questions about the sockets of this host, sock_diag(7).
   *
   * @throws {SystemCallError}
   */
  diagnosisSocket(): Descriptor {
    return this.#netlinkSocket(NETLINK_SOCK_DIAG, "a socket of sock_diag");
  }

  /**
   * Bounds what the system takes of a TCP connection before it can send it, tcp(7).
   *
   * @param number of a descriptor that is the runtime's and open now: it is not kept, and anything but TCP is an error
   * @throws {SystemCallError}
   */
  boundUnsent(number: number, bytes: number): void {
    for (const each of [number, bytes]) {
      if (!Number.isSafeInteger(each) || each < 0 || each > 0x7fff_ffff)
        throw new RangeError(`number ${each}`);
    }
    this.#option.bytes.writeInt32LE(bytes, 0);
    const at = addressOf(this.#option, 0, 4);
    const result = this.#setsockopt(number, IPPROTO_TCP, TCP_NOTSENT_LOWAT, at, 4);
    this.#checked("setsockopt", "of a TCP connection", result);
  }

  /**
   * A socket for requests to the part of the kernel that filters, follows and translates (netlink(7)). What it answers waits until it is read.
   *
   * @throws {SystemCallError} EPROTONOSUPPORT where the kernel has no such part
   */
  netfilterSocket(): Descriptor {
    return this.#netlinkSocket(NETLINK_NETFILTER, "a socket of netfilter");
  }

  #netlinkSocket(protocol: number, name: string): Descriptor {
    const type = SOCK_RAW | openFlags.nonBlocking | openFlags.closeOnExec;
    return new Descriptor(this.#checked("socket", name, this.#socket(AF_NETLINK, type, protocol)), name);
  }

  /**
   * Gives a socket its address, the first `length` bytes of the memory.
   *
   * @throws {SystemCallError}
   */
  bind(descriptor: Descriptor, address: PinnedMemory, length: number): void {
    const at = optionAddress(address, length);
    this.#checked("bind", descriptor.subject, this.#bind(descriptor.number, at, length));
  }

  /**
   * Sets an option of a socket to the first `length` bytes of the memory.
   *
   * @param level by its number, such as SOL_PACKET
   * @throws {SystemCallError}
   */
  setOption(descriptor: Descriptor, level: number, name: number, value: PinnedMemory, length: number): void {
    for (const number of [level, name]) {
      if (!Number.isSafeInteger(number) || number < 0 || number > 0xffff)
        throw new RangeError(`option ${number}`);
    }
    const at = optionAddress(value, length);
    const result = this.#setsockopt(descriptor.number, level, name, at, length);
    this.#checked("setsockopt", descriptor.subject, result);
  }

  /** Calls back in a turn of the event loop of its own, as long as there is something to read. */
  watch(descriptor: Descriptor, readable: () => void): Watch {
    const handle = this.#koffi.node.poll(descriptor.number, { readable: true }, readable);
    return { stop: () => handle.close() };
  }

  /** Whatever the answer, the descriptor is closed (close(2)). */
  close(descriptor: Descriptor): void {
    this.#close(descriptor.take());
  }

  /**
   * Closes a descriptor that the kernel takes its time for, such as that of an interface that goes with it: in another thread, one after the
   * other. It is nobody's any more at once.
   */
  closeApart(descriptor: Descriptor): Promise<void> {
    const number = descriptor.take();
    const closed = this.#closing.then(
      () => new Promise<void>((resolve) => void this.#close.async(number, () => resolve())),
    );
    return (this.#closing = closed);
  }

  /**
   * Reads at most `length` bytes to `offset` of the memory: one frame or datagram where the descriptor has such.
   *
   * @returns bytes read, 0 at the end of a file; `undefined` when nothing is at hand
   * @throws {SystemCallError}
   */
  read(descriptor: Descriptor, memory: PinnedMemory, offset: number, length: number): number | undefined {
    const address = addressOf(memory, offset, length);
    return this.#moved("read", descriptor, this.#read(descriptor.number, address, length));
  }

  /**
   * Takes one datagram, at most `length` bytes to `offset` of the memory; the rest of a longer one is lost.
   *
   * @returns bytes that the datagram had, which may be more than `length`; `undefined` when nothing is at hand
   * @throws {SystemCallError}
   */
  receiveMessage(
    descriptor: Descriptor,
    memory: PinnedMemory,
    offset: number,
    length: number,
    { address, control }: MessageDetails,
  ): number | undefined {
    const dataAt = addressOf(memory, offset, length);
    const addressAt = addressOf(address, 0, address.bytes.length);
    const controlAt = addressOf(control, 0, Math.max(control.bytes.length, controlHeaderBytes));
    control.bytes.fill(0, 0, controlHeaderBytes);
    const { bytes } = this.#message;
    const headerAt = addressOf(this.#message, 0, messageHeader.bytes);
    writeWord(bytes, messageHeader.address, addressAt);
    writeWord(bytes, messageHeader.addressBytes, address.bytes.length);
    writeWord(bytes, messageHeader.parts, headerAt + messageHeader.part);
    writeWord(bytes, messageHeader.partCount, 1);
    writeWord(bytes, messageHeader.control, controlAt);
    writeWord(bytes, messageHeader.controlBytes, control.bytes.length);
    writeWord(bytes, messageHeader.part, dataAt);
    writeWord(bytes, messageHeader.partBytes, length);
    const result = this.#recvmsg(descriptor.number, headerAt, MSG_TRUNC);
    return this.#moved("recvmsg", descriptor, result);
  }

  /**
   * Writes the `length` bytes from `offset` on.
   *
   * @returns bytes written; `undefined` when there is no room
   * @throws {SystemCallError}
   */
  write(descriptor: Descriptor, memory: PinnedMemory, offset: number, length: number): number | undefined {
    const address = addressOf(memory, offset, length);
    return this.#moved("write", descriptor, this.#write(descriptor.number, address, length));
  }

  /**
   * Sends the `length` bytes from `offset` on as one datagram to an address, which is the first `addressLength` bytes of its memory.
   *
   * @returns bytes sent; `undefined` when there is no room
   * @throws {SystemCallError}
   */
  sendTo(
    descriptor: Descriptor,
    memory: PinnedMemory,
    offset: number,
    length: number,
    address: PinnedMemory,
    addressLength: number,
  ): number | undefined {
    const at = addressOf(memory, offset, length);
    const addressAt = optionAddress(address, addressLength);
    const result = this.#sendto(descriptor.number, at, length, 0, addressAt, addressLength);
    return this.#moved("sendto", descriptor, result);
  }

  /**
   * Takes at most `most` datagrams, as many as are at hand.
   *
   * @returns how many; `undefined` when none is
   * @throws {SystemCallError} of the first one
   */
  receiveMessages(descriptor: Descriptor, batch: ReceiveBatch, most: number): number | undefined {
    const address = batch.prepare(most);
    const result = this.#recvmmsg(descriptor.number, address, most, MSG_TRUNC, 0);
    return this.#moved("recvmmsg", descriptor, result);
  }

  /**
   * Sends datagrams of the memory: those from number `first` to `end` of the lists of where they are in it.
   *
   * @returns how many were sent, of the first ones; `undefined` when there is no room
   * @throws {SystemCallError} of the first one
   */
  sendMessages(
    descriptor: Descriptor,
    batch: SendBatch,
    memory: PinnedMemory,
    offsets: readonly number[],
    lengths: readonly number[],
    first: number,
    end: number,
  ): number | undefined {
    const address = batch.prepare(memory, offsets, lengths, first, end);
    const result = this.#sendmmsg(descriptor.number, address, end - first, 0);
    return this.#moved("sendmmsg", descriptor, result);
  }

  /**
   * Asks a device.
   *
   * @param request by its number, such as TUNSETIFF
   * @param argument what the request reads and writes, {@link ioctlArgumentBytes} at least
   * @throws {SystemCallError}
   */
  ioctl(descriptor: Descriptor, request: number, argument: PinnedMemory): number {
    if (!Number.isSafeInteger(request) || request < 0 || request > 0xffffffff) {
      throw new RangeError(`ioctl request ${request}`);
    }
    const address = addressOf(argument, 0, ioctlArgumentBytes);
    const result = this.#ioctl(descriptor.number, request, address);
    return this.#checked("ioctl", descriptor.subject, result);
  }

  /**
   * Has the host leave checksums and segments to a TAP whose frames have a `struct virtio_net_hdr`.
   *
   * @param flags TUN_F_CSUM and its like (`linux/if_tun.h`)
   * @throws {SystemCallError} EINVAL for flags that this kernel does not know
   */
  setTapOffloads(descriptor: Descriptor, flags: number): void {
    if (!Number.isSafeInteger(flags) || flags < 0 || flags > 0xffff)
      throw new RangeError(`offloads ${flags}`);
    // The argument itself, and no address of it.
    const result = this.#ioctl(descriptor.number, TUNSETOFFLOAD, flags);
    this.#checked("ioctl", descriptor.subject, result);
  }

  #moved(syscall: string, { subject }: Descriptor, result: number): number | undefined {
    if (result >= 0) return result;
    const errno = this.#koffi.errno();
    if (errno === EAGAIN || errno === EINTR) return undefined;
    throw new SystemCallError(syscall, errno, subject);
  }

  #checked(syscall: string, subject: string, result: number): number {
    if (result < 0) throw new SystemCallError(syscall, this.#koffi.errno(), subject);
    return result;
  }
}

function optionAddress(memory: PinnedMemory, length: number): number {
  if (length > mostOptionBytes) throw new RangeError(`an option or address of ${length} bytes`);
  return addressOf(memory, 0, length);
}

/** 64 bits, of a number that is exact. */
function writeWord(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt32LE(value % 0x1_0000_0000, at);
  buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

/** A function that not every C library has. */
function functionIfThere(find: () => KoffiFunction): KoffiFunction | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
