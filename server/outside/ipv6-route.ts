import { createSocket } from "node:dgram";
import { wordsOf } from "../error-words.ts";

/** In the part of IPv6 that the Internet uses (2000::/3), and nobody's. */
const somewhere = "2000::1";
const anyPort = 9;

/**
 * Why the host has no way to the Internet by IPv6, as the system says; undefined where it has one. Nothing is sent: a UDP socket is asked
 * for the way.
 */
export function ipv6Problem(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: "udp6", ipv6Only: true });
    const end = (problem: string | undefined) => {
      socket.close();
      resolve(problem);
    };
    socket.once("error", (error) => end(wordsOf(error)));
    socket.once("connect", () => end(undefined));
    socket.connect(anyPort, somewhere);
  });
}
