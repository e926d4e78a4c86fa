import { chmodSync, closeSync, constants, openSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import { removeFile } from "./remove-file.ts";

/** `sun_path` of Linux less its final zero byte (unix(7)). */
const longestAddress = 107;

/**
 * Has a server listen at `path` for processes of this host, of the same user or of root. Something that is there is taken
 * for a left-over, and taken away.
 *
 * @returns what to call when the server is closed
 * @throws the system's error when that cannot be; the server is closed then
 */
export async function listenLocally(server: Server, path: string): Promise<() => void> {
  removeFile(path);
  const { address, release } = socketAddress(path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: address }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    chmodSync(path, 0o600);
    return release;
  } catch (error) {
    server.close();
    release();
    throw error;
  }
}

/**
 * Connects to whoever listens at `path` ({@link listenLocally}).
 *
 * @throws the system's error when the directory of a long path cannot be opened; all others are events of the socket
 */
export function connectLocally(path: string): Socket {
  const { address, release } = socketAddress(path);
  return connect({ path: address }).on("close", release);
}

/**
 * The address of a Unix socket, however long its path is: a path that does not fit is reached through a descriptor of its
 * directory, under `/proc/self/fd`, for as long as the address is in use.
 */
function socketAddress(path: string): { readonly address: string; readonly release: () => void } {
  if (Buffer.byteLength(path) <= longestAddress) return { address: path, release: () => {} };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    address: `/proc/self/fd/${directory}/${basename(path)}`,
    release: () => closeSync(directory),
  };
}
