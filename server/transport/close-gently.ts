import type { Socket } from "node:net";

/**
 * Says goodbye, in the words of TLS where the connection has it, and cuts the connection when the peer does not answer. The
 * client of Debian 12 (build 9674 with OpenSSL 3) that loses an encrypted connection in another way, by a reset or without a
 * close_notify, keeps an error of OpenSSL in the thread of its session and takes it for one of each connection that it makes
 * from then on: it closes them all at once, until it is started again. The official server has the same effect on it.
 */
export function closeGently(socket: Socket, lingerMs: number): void {
  if (socket.destroyed || socket.writableEnded) return;
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(cut));
  socket.end();
  socket.resume();
}
