import type { Socket } from "node:net";
import type { Join } from "../session/method.ts";

/** From the last byte of a silent peer to the first question of the system whether it is still there. */
const tcpKeepAliveMs = 30_000;

/**
 * Makes a connection one of its session: what comes in goes to the session, which sends and closes.
 *
 * @param received what came in behind the login
 */
export function openDataChannel(socket: Socket, name: string, join: Join, received: Buffer): void {
  socket.setKeepAlive(true, tcpKeepAliveMs);
  const events = join.attach({
    name,
    send: (bytes, sent) => {
      socket.write(bytes, (error) => {
        if (error == null) sent();
      });
    },
    close: () => void socket.destroy(),
  });
  if (events === undefined) {
    socket.destroy();
    return;
  }
  socket.once("close", () => events.closed());
  socket.on("data", (chunk: Buffer) => events.receive(chunk));
  if (received.length > 0) events.receive(received);
}
