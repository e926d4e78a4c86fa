import type { Socket } from "node:net";
import { parseAddress } from "../ethernet/ip-address.ts";
import { connectionLimits } from "../limits.ts";
import type { Native, NativeLoader } from "../native/native.ts";
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

  constructor(native: NativeLoader) {
    this.#native = native;
  }

  /**
   * Bounds what the kernel holds of a connection that its peer does not read, {@link connectionLimits.unsentBytes}. Otherwise that is
   * up to `net.ipv4.tcp_wmem`, outside of every bound of the server's own.
   */
  boundUnsent(socket: Socket): void {
    this.#with((native) => {
      // The runtime's own: there as long as the socket is, and looked for in the moment in which it is used.
      const descriptor = (socket as unknown as DescribedSocket)._handle?.fd;
      if (socket.destroyed || descriptor === undefined || descriptor < 0) return;
      try {
        native.calls.boundUnsent(descriptor, connectionLimits.unsentBytes);
      } catch {
        // It has ended, or the kernel does not know this bound.
      }
    });
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

  #with(use: (native: Extract<Native, { available: true }>) => void): void {
    const { loaded } = this.#native;
    if (loaded?.available) use(loaded);
    else if (loaded === undefined) void this.#native.get().then((native) => native.available && use(native));
  }
}

/** An address of IPv4 in its own form, whatever kind of socket it is told of by. */
function endOf(address: string | undefined, port: number | undefined) {
  const bytes = parseAddress((address ?? "").replace(/^::ffff:/, ""));
  return bytes === undefined || port === undefined ? undefined : { address: bytes, port };
}
