import { createSocket } from "node:dgram";
import { Socket } from "node:net";
import { readLimits } from "../limits.ts";
import { outsideQuota } from "../read-quota.ts";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../ethernet/packed-address.ts";
import { isExhaustion } from "../secure-nat/nat-refusals.ts";
import type {
  IpVersion,
  Outside,
  OutsidePing,
  OutsidePingEvents,
  OutsideTcp,
  OutsideTcpEvents,
  OutsideUdp,
  OutsideUdpEvents,
} from "../secure-nat/outside.ts";
import type { NativeLoader } from "../native/native.ts";
import { EndTurns, type MayEnd } from "./end-turns.ts";
import { firstConnection } from "./first-connection.ts";
import { HostPing } from "./host-ping.ts";
import type { SocketPlace, SocketShare } from "./socket-pool.ts";
import { queryResolvers, resolverWaitMs, SystemResolvers, type ResolverAddress } from "./system-resolvers.ts";

/** Datagrams of a socket that wait for the port that it gets; more are lost. */
const mostWaiting = 16;

/** What a socket fails with that there is no room for. */
const tooMany = () => Object.assign(new Error("too many sockets"), { code: "EMFILE" });

/** For all hubs. */
const systemResolvers = new SystemResolvers(() => performance.now());

/** What the system says of an address that it has no way to; of the last one, that there is none of its version at all. */
const noWay: readonly unknown[] = [
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EACCES",
  "EPERM",
  "EINVAL",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
];

function isNoWay(error: Error): boolean {
  return noWay.includes((error as NodeJS.ErrnoException).code);
}

const nextTurn = (callback: () => void) => void setImmediate(callback);

/** The host's network by sockets of the runtime, for one hub. */
export class HostNetwork implements Outside {
  readonly #sockets: SocketShare;
  readonly #native: NativeLoader;
  readonly #ends = new EndTurns({ nextTurn });

  /** @param sockets how many it may have, so that some are left to others, and files to the process for all else */
  constructor(sockets: SocketShare, native: NativeLoader) {
    this.#sockets = sockets;
    this.#native = native;
  }

  queryDns(query: Buffer, answered: (answer: Buffer | undefined) => void): () => void {
    const place = this.#sockets.take(() => {
      giveUp();
      answered(undefined);
    });
    if (place === undefined) {
      const failing = setImmediate(() => answered(undefined));
      return () => clearImmediate(failing);
    }
    const giveUp = queryResolvers(
      query,
      (answer) => {
        place.giveBack();
        answered(answer);
      },
      systemResolvers.get(),
      (opening) => place.open(opening),
    );
    return () => {
      place.giveBack();
      giveUp();
    };
  }

  openPing(version: IpVersion, events: OutsidePingEvents): OutsidePing | undefined {
    const { loaded } = this.#native;
    // Loaded for the first who asks, who asks again by himself.
    if (loaded === undefined) void this.#native.get();
    if (!loaded?.available) return undefined;
    try {
      return HostPing.open(loaded.calls, version, events);
    } catch {
      // Not for this user, or not in this version.
      return undefined;
    }
  }

  openUdp(version: IpVersion, events: OutsideUdpEvents): OutsideUdp {
    const fail = (error: Error) => {
      if (!isOpen) return;
      const lost = waiting;
      close();
      if (!isExhaustion(error)) for (const { address, port } of lost) events.unreachable(address, port);
      events.failed(error);
    };
    const place = this.#sockets.take(() => fail(tooMany()));
    if (place === undefined) {
      const failing = setImmediate(() => events.failed(tooMany()));
      return { send: () => {}, close: () => clearImmediate(failing) };
    }
    const socket = version === 4 ? createSocket("udp4") : createSocket({ type: "udp6", ipv6Only: true });
    let isOpen = true;
    let isBound = false;
    let waiting: { readonly bytes: Buffer; readonly address: IpAddress; readonly port: number }[] = [];
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      waiting = [];
      place.giveBack();
      socket.close();
    };
    const send = (bytes: Buffer, address: IpAddress, port: number) => {
      socket.send(bytes, port, formatIpAddress(address), (error) => {
        if (error && isOpen && isNoWay(error)) events.unreachable(address, port);
      });
    };
    socket.on("listening", () => {
      isBound = true;
      for (const { bytes, address, port } of waiting.splice(0)) send(bytes, address, port);
    });
    socket.on("message", (bytes, { address, port }) => {
      if (!isOpen) return;
      place.used();
      events.message(bytes, parseIpAddress(address) ?? 0, port);
    });
    socket.on("error", fail);
    place.open(() => socket.bind(0));
    return {
      send: (bytes, address, port) => {
        place.used();
        if (!isOpen) return;
        if (isBound) send(bytes, address, port);
        else if (waiting.length < mostWaiting) waiting.push({ bytes, address, port });
      },
      close,
    };
  }

  connectDns(events: OutsideTcpEvents): OutsideTcp {
    const resolvers = systemResolvers.get();
    const some = resolvers.length === 0 ? [{ host: "127.0.0.1", port: 53 }] : resolvers;
    const ends = some.map((to) => (attempt: OutsideTcpEvents) => this.#connect(to, attempt));
    return firstConnection(ends, events, resolverWaitMs);
  }

  connectTcp(address: IpAddress, port: number, events: OutsideTcpEvents): OutsideTcp {
    return this.#connect({ host: formatIpAddress(address), port }, events);
  }

  #connect(to: ResolverAddress, events: OutsideTcpEvents): OutsideTcp {
    const place = this.#sockets.take(() => {
      connection.destroy();
      events.failed(tooMany());
    });
    if (place === undefined) {
      const failing = setImmediate(() => events.failed(tooMany()));
      return { ...noConnection, destroy: () => clearImmediate(failing) };
    }
    const connection = connectTcp(to, events, { place, ends: this.#ends });
    return connection;
  }
}

/** One for all connections: what is in it has been dealt with before the next read. */
const sharedBuffer = Buffer.allocUnsafeSlow(readLimits.sharedBytes);

const noConnection: Omit<OutsideTcp, "destroy"> = {
  write: () => {},
  end: () => {},
  pause: () => {},
  resume: () => {},
};

function connectTcp(
  to: ResolverAddress,
  events: OutsideTcpEvents,
  { place, ends }: { readonly place: SocketPlace; readonly ends: EndTurns },
): OutsideTcp {
  let isOpen = true;
  const socket = new Socket({
    allowHalfOpen: true,
    onread: { buffer: sharedBuffer, callback: (bytes) => receive(sharedBuffer.subarray(0, bytes)) },
  }).setNoDelay();
  place.open(() => socket.connect(to));
  socket.on("close", () => {
    ends.delete(mayEnd);
    place.giveBack();
  });
  socket.on("connect", () => {
    if (!isOpen) return;
    ends.add(mayEnd);
    events.connected();
  });
  // Whoever waits for the client, or for the others' turn, is not read.
  let waitsForClient = false;
  let waitsForTurn = false;
  let waitsForEnds = false;
  const read = () => {
    if (!waitsForClient && !waitsForTurn && !waitsForEnds && isOpen) socket.resume();
  };
  const mayEnd: MayEnd = {
    hold: () => {
      waitsForEnds = true;
      socket.pause();
    },
    goOn: () => {
      waitsForEnds = false;
      read();
    },
  };
  const receive = (bytes: Buffer): boolean => {
    if (!isOpen) return false;
    waitsForTurn = outsideQuota.exceeds(bytes.length, () => {
      waitsForTurn = false;
      read();
    });
    if (waitsForTurn) socket.pause();
    place.used();
    events.data(bytes);
    return true;
  };
  socket.on("end", () => {
    ends.ended(mayEnd);
    events.ended();
  });
  socket.on("error", (error) => {
    ends.ended(mayEnd);
    events.failed(error);
  });
  return {
    write: (bytes, done) => {
      place.used();
      socket.write(bytes, (error) => {
        if (!error && isOpen) done();
      });
    },
    end: () => void socket.end(),
    destroy: () => {
      isOpen = false;
      ends.delete(mayEnd);
      socket.removeAllListeners("end").removeAllListeners("error");
      socket.on("error", () => {});
      socket.pause();
      place.close(() => breakOff(socket));
    },
    pause: () => {
      waitsForClient = true;
      socket.pause();
    },
    resume: () => {
      waitsForClient = false;
      read();
    },
  };
}

/**
 * Ends a connection so that the other end does not take what it got for all: by a reset, unless all was said. One that is not open yet has
 * nothing to say, and one whose end is on its way cannot be reset.
 */
function breakOff(socket: Socket): void {
  const saidAll = socket.writableEnded && socket.writableLength === 0;
  if (socket.readyState === "opening" || socket.pending || saidAll) socket.destroy();
  else socket.resetAndDestroy();
}
