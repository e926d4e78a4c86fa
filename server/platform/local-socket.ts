import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** `sun_path` of Linux less its final zero byte (unix(7)). */
const longestAddress = 107;

/** An address to bind or connect a Unix socket with, and what it needs while it is in use. */
export interface SocketAddress {
  readonly address: string;
  readonly release: () => void;
}

/**
 * The address of a Unix socket, however long its path is: a path that does not fit is reached through a descriptor of its
 * directory, under `/proc/self/fd`.
 *
 * @throws the system's error when the directory of a long path cannot be opened
 */
export function socketAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= longestAddress) return { address: path, release: () => {} };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    address: `/proc/self/fd/${directory}/${basename(path)}`,
    release: () => closeSync(directory),
  };
}
