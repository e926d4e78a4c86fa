import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { readLimits } from "../limits.ts";
import { outsideQuota } from "../read-quota.ts";
import { parseAddress } from "../ethernet/ip-address.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import type {
  Outside,
  OutsidePing,
  OutsidePingEvents,
  OutsideTcp,
  OutsideTcpEvents,
  OutsideUdp,
  OutsideUdpEvents,
} from "../secure-nat/outside.ts";
import type { NativeLoader } from "../native/native.ts";
import { HostPing } from "./host-ping.ts";
import { queryResolvers, systemResolvers, type ResolverAddress } from "./system-resolvers.ts";

/** Datagrams of a socket that wait for the port that it gets; more are lost. */
const mostWaiting = 16;

/** What a socket fails with that there is no room for. */
const tooMany = () => Object.assign(new Error("too many sockets"), { code: "EMFILE" });

/** The host's network by sockets of the runtime. */
export class HostNetwork implements Outside {
  readonly #most: number;
  readonly #native: NativeLoader;
  #sockets = 0;

  /** @param most sockets of all its users together, so that files are left to the process for all else */
  constructor(most: number, native: NativeLoader) {
    this.#most = most;
    this.#native = native;
  }

  queryDns(query: Buffer, answered: (answer: Buffer | undefined) => void): () => void {
    if (!this.#take()) {
      const failing = setImmediate(() => answered(undefined));
      return () => clearImmediate(failing);
    }
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#sockets--;
      isOpen = false;
    };
    const giveUp = queryResolvers(query, (answer) => {
      close();
      answered(answer);
    });
    return () => {
      close();
      giveUp();
    };
  }

  openPing(events: OutsidePingEvents): OutsidePing | undefined {
    const { loaded } = this.#native;
    // Loaded for the first who asks, who asks again by himself.
    if (loaded === undefined) void this.#native.get();
    if (!loaded?.available) return undefined;
    try {
      return HostPing.open(loaded.calls, events);
    } catch {
      // Not for this user.
      return undefined;
    }
  }

  openUdp(events: OutsideUdpEvents): OutsideUdp {
    if (!this.#take()) {
      const failing = setImmediate(() => events.failed(tooMany()));
      return { send: () => {}, close: () => clearImmediate(failing) };
    }
    const socket = createSocket("udp4");
    let isOpen = true;
    let isBound = false;
    let waiting: (() => void)[] = [];
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      waiting = [];
      this.#sockets--;
      socket.close();
    };
    socket.on("listening", () => {
      isBound = true;
      for (const send of waiting.splice(0)) send();
    });
    socket.on("message", (bytes, { address, port }) => {
      if (isOpen)
        events.message(bytes, Buffer.from(parseAddress(address) ?? [0, 0, 0, 0]).readUInt32BE(), port);
    });
    socket.on("error", (error) => {
      if (!isOpen) return;
      close();
      events.failed(error);
    });
    socket.bind(0);
    return {
      send: (bytes, address, port) => {
        // The callback takes the error, such as for a network that is not there.
        const send = () => void (isOpen && socket.send(bytes, port, formatIpv4(address), () => {}));
        if (isBound) send();
        else if (waiting.length < mostWaiting) waiting.push(send);
      },
      close,
    };
  }

  connectDns(events: OutsideTcpEvents): OutsideTcp {
    const [resolver] = systemResolvers();
    return this.#connect(resolver ?? { host: "127.0.0.1", port: 53 }, events);
  }

  connectTcp(address: number, port: number, events: OutsideTcpEvents): OutsideTcp {
    return this.#connect({ host: formatIpv4(address), port }, events);
  }

  #connect(to: ResolverAddress, events: OutsideTcpEvents): OutsideTcp {
    if (!this.#take()) {
      const failing = setImmediate(() => events.failed(tooMany()));
      return { ...noConnection, destroy: () => clearImmediate(failing) };
    }
    return connectTcp(to, events, () => this.#sockets--);
  }

  #take(): boolean {
    if (this.#sockets >= this.#most) return false;
    this.#sockets++;
    return true;
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

function connectTcp(to: ResolverAddress, events: OutsideTcpEvents, closed: () => void): OutsideTcp {
  let isOpen = true;
  const socket = connect({
    ...to,
    allowHalfOpen: true,
    noDelay: true,
    onread: { buffer: sharedBuffer, callback: (bytes) => receive(sharedBuffer.subarray(0, bytes)) },
  });
  socket.on("close", closed);
  socket.on("connect", () => events.connected());
  // Whoever waits for the client, or for the others' turn, is not read.
  let waitsForClient = false;
  let waitsForTurn = false;
  const read = () => {
    if (!waitsForClient && !waitsForTurn) socket.resume();
  };
  const receive = (bytes: Buffer): boolean => {
    if (!isOpen) return false;
    waitsForTurn = outsideQuota.exceeds(bytes.length, () => {
      waitsForTurn = false;
      read();
    });
    if (waitsForTurn) socket.pause();
    events.data(bytes);
    return true;
  };
  socket.on("end", () => events.ended());
  socket.on("error", (error) => events.failed(error));
  return {
    write: (bytes, done) =>
      void socket.write(bytes, (error) => {
        if (!error) done();
      }),
    end: () => void socket.end(),
    destroy: () => {
      isOpen = false;
      socket.removeAllListeners("end").removeAllListeners("error");
      socket.on("error", () => {});
      socket.destroy();
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
