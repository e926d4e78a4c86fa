import type { Socket } from "node:net";
import type { LocalListener, LocalListenOptions } from "./local-server.ts";
import { connectByPipe, listenByPipe } from "./named-pipe.ts";
import { connectByUnixSocket, listenByUnixSocket } from "./unix-socket.ts";

const byPipe = process.platform === "win32";

/**
 * Listens at `path` for processes of this host, of the same user or of an administrator. Something that is there is taken for a
 * left-over, and taken away.
 *
 * @throws the system's error when that cannot be
 */
export const listenLocally: (path: string, options: LocalListenOptions) => Promise<LocalListener> = byPipe
  ? listenByPipe
  : listenByUnixSocket;

/**
 * Connects to whoever listens at `path` ({@link listenLocally}).
 *
 * @param signal ends the attempt, and the connection too
 * @throws the system's error; ENOENT or ECONNREFUSED where nobody listens
 */
export const connectLocally: (path: string, signal: AbortSignal) => Promise<Socket> = byPipe
  ? connectByPipe
  : connectByUnixSocket;
