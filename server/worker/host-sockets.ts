import type { Socket } from "node:net";
import { parseAddress } from "../ethernet/ip-address.ts";
import { connectionLimits } from "../limits.ts";
import type { NativeLoader } from "../native/native.ts";
import type { SystemCalls } from "../native/system-calls.ts";
import { SocketOwners } from "../native/socket-owners.ts";

/** Where the runtime keeps the descriptor of a connection, which it shows nobody. */
interface DescribedSocket {
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * What the host's kernel knows and does about the runtime's connections. Where native calls are out of reach nothing is known, and
 * connections are as the kernel makes them.
 */
export class HostSockets {
  readonly #native: NativeLoader;
  #owners: SocketOwners | undefined;
  readonly #bounded = new Set<Socket>();
  /** The share of each of them. */
  #unsentBytes: number = connectionLimits.mostUnsentBytes;

  constructor(native: NativeLoader) {
    this.#native = native;
  }

  /**
   * Bounds what the kernel holds of connections that their peers do not read: all of them have {@link connectionLimits.totalUnsentBytes},
   * in equal shares. Otherwise each has up to `net.ipv4.tcp_wmem`, outside of every bound of the server's own. Few have so much
   * that nobody who reads is slowed down.
   */
  boundUnsent(socket: Socket): void {
    if (this.#bounded.has(socket) || socket.destroyed) return;
    this.#bounded.add(socket);
    socket.once("close", () => {
      this.#bounded.delete(socket);
      this.#share();
    });
    if (!this.#share()) this.#bound([socket]);
  }

  /** Which user of this host is at the other end of a connection, by number; undefined where that is not known. */
  userOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): number | undefined {
    const [own, other] = [endOf(remoteAddress, remotePort), endOf(localAddress, localPort)];
    if (own === undefined || other === undefined) return undefined;
    const { loaded } = this.#native;
    // Loaded for the first one, and known from the next one on.
    if (loaded === undefined) void this.#native.get();
    if (!loaded?.available) return undefined;
    try {
      this.#owners ??= new SocketOwners(loaded.calls);
    } catch {
      return undefined;
    }
    return this.#owners.userOf(own, other);
  }

  close(): void {
    this.#owners?.close();
    this.#owners = undefined;
  }

  /** Gives all another share where the one that they have is too large, or much too small; whether it did. */
  #share(): boolean {
    const { totalUnsentBytes: total, leastUnsentBytes: least, mostUnsentBytes: most } = connectionLimits;
    const share = Math.min(Math.max(total / this.#bounded.size, least), most);
    if (share >= this.#unsentBytes && share < 4 * this.#unsentBytes) return false;
    this.#unsentBytes = 2 ** Math.floor(Math.log2(share));
    this.#bound(this.#bounded);
    return true;
  }

  #bound(sockets: Iterable<Socket>): void {
    const { loaded } = this.#native;
    if (loaded?.available) {
      for (const socket of sockets) setUnsent(loaded.calls, socket, this.#unsentBytes);
    } else if (loaded === undefined) {
      void this.#native.get().then((native) => native.available && this.#bound(this.#bounded));
    }
  }
}

function setUnsent(calls: SystemCalls, socket: Socket, bytes: number): void {
  // The runtime's own: there as long as the socket is, and looked for in the moment in which it is used.
  const descriptor = (socket as unknown as DescribedSocket)._handle?.fd;
  if (descriptor === undefined || descriptor < 0) return;
  try {
    calls.boundUnsent(descriptor, bytes);
  } catch {
    // It has ended, or the kernel does not know this bound.
  }
}

/** An address of IPv4 in its own form, whatever kind of socket it is told of by. */
function endOf(address: string | undefined, port: number | undefined) {
  const bytes = parseAddress((address ?? "").replace(/^::ffff:/, ""));
  return bytes === undefined || port === undefined ? undefined : { address: bytes, port };
}
