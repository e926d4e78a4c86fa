import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { parseAddress } from "../ethernet/ip-address.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import type { Outside, OutsideTcp, OutsideTcpEvents } from "../secure-nat/outside.ts";
import { queryResolvers, systemResolvers, type ResolverAddress } from "./system-resolvers.ts";

/** Datagrams of a socket that wait for the port that it gets; more are lost. */
const mostWaiting = 16;

/** The host's network by sockets of the runtime. */
export const hostNetwork: Outside = {
  openUdp: (events) => {
    const socket = createSocket("udp4");
    let isOpen = true;
    let isBound = false;
    let waiting: (() => void)[] = [];
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      waiting = [];
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
  },
  queryDns: queryResolvers,
  connectDns: (events) => {
    const [resolver] = systemResolvers();
    return connectTcp(resolver ?? { host: "127.0.0.1", port: 53 }, events);
  },
  connectTcp: (address, port, events) => connectTcp({ host: formatIpv4(address), port }, events),
};

function connectTcp(to: ResolverAddress, events: OutsideTcpEvents): OutsideTcp {
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
  socket.on("connect", () => events.connected());
  socket.on("data", (bytes: Buffer) => events.data(bytes));
  socket.on("end", () => events.ended());
  socket.on("error", (error) => events.failed(error));
  return {
    write: (bytes, done) =>
      void socket.write(bytes, (error) => {
        if (!error) done();
      }),
    end: () => void socket.end(),
    destroy: () => {
      socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("error");
      socket.on("error", () => {});
      socket.destroy();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}
