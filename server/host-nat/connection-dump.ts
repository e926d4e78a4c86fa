import { kernelNatLimits } from "../limits.ts";
import { SystemCallError } from "../native/system-call-error.ts";
import type { SystemCalls } from "../native/system-calls.ts";
import type { Steps } from "../turns.ts";
import { ConntrackEntry, connectionsRequest, readConnections } from "./conntrack-message.ts";

/** `struct sockaddr_nl` of the kernel: a family, and zeros. */
const addressBytes = 12;
const AF_NETLINK = 16;

/** Goes through all connections over IPv4 that the kernel follows, and calls back for each that comes from an address that is wanted. */
export type DumpConnections = (
  isWanted: (source: number) => boolean,
  take: (entry: ConntrackEntry) => void,
) => Steps<void>;

/**
 * {@link DumpConnections} by netlink: the kernel writes the next piece of its table whenever one was read, so that a step takes a fraction of
 * a millisecond however many connections there are.
 *
 * @throws {SystemCallError} EPERM without CAP_NET_ADMIN; EINVAL or EOPNOTSUPP where the kernel cannot tell its connections (nf_conntrack_netlink)
 */
export function* dumpConnections(
  calls: SystemCalls,
  isWanted: (source: number) => boolean,
  take: (entry: ConntrackEntry) => void,
): Steps<void> {
  const socket = calls.netfilterSocket();
  const memory = calls.allocate(kernelNatLimits.listPieceBytes);
  const address = calls.allocate(addressBytes);
  const entry = new ConntrackEntry();
  try {
    address.bytes.writeUInt16LE(AF_NETLINK, 0);
    const request = connectionsRequest();
    request.copy(memory.bytes);
    calls.sendTo(socket, memory, 0, request.length, address, addressBytes);
    for (let pieces = 0; pieces < kernelNatLimits.listPieces; pieces++) {
      const length = calls.read(socket, memory, 0, memory.bytes.length);
      // The kernel has the next piece ready when it gives one.
      if (length === undefined) throw new Error("the kernel ended its list of connections too early");
      const end = readConnections(memory.bytes, length, entry, isWanted, () => take(entry));
      if (end === "done") return;
      if (end !== "more") throw new SystemCallError("read", end.errno, socket.subject);
      yield;
    }
    throw new Error("the kernel's list of connections has no end");
  } finally {
    calls.close(socket);
    memory.release();
    address.release();
  }
}
