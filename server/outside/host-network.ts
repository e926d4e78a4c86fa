import { connect } from "node:net";
import { formatIpv4 } from "../ethernet/word-address.ts";
import type { Outside } from "../secure-nat/outside.ts";

/** The host's network by sockets of the runtime. */
export const hostNetwork: Outside = {
  connectTcp: (address, port, events) => {
    const socket = connect({ host: formatIpv4(address), port, allowHalfOpen: true, noDelay: true });
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
  },
};
