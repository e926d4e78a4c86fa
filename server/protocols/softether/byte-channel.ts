import type { Socket } from "node:net";
import { receiveShared } from "../../transport/shared-read-buffer.ts";
import type { ConnectionEvents, SessionConnection } from "./session-connection.ts";

/**
 * Makes a connection that was let in one of its session, or of the administration: what comes in goes there, and it sends and closes.
 *
 * @param attach undefined when the session has ended meanwhile
 * @param received what came in behind the login
 */
export function openByteChannel(
  socket: Socket,
  channel: {
    readonly name: string;
    readonly attach: (connection: SessionConnection) => ConnectionEvents | undefined;
    readonly close: () => void;
  },
  received: Buffer,
): void {
  const { name, attach, close } = channel;
  const events = attach({
    name,
    send: (bytes, sent) => {
      socket.write(bytes, (error) => {
        if (error == null) sent();
      });
    },
    hold: () => void socket.pause(),
    goOn: () => void socket.resume(),
    close,
  });
  if (events === undefined) {
    close();
    return;
  }
  socket.once("close", () => events.closed());
  if (received.length > 0) events.receive(received);
  receiveShared(socket, (chunk) => events.receive(chunk));
}
