import { chmodSync, closeSync, constants, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import { bindLocalServer, connected, type LocalListener, type LocalListenOptions } from "./local-server.ts";
import { removeFile } from "./remove-file.ts";

/** `sun_path` of Linux less its final zero byte (unix(7)). */
const longestAddress = 107;

/** `listenLocally` by a Unix socket, which only this user and root may open (mode 600). */
export async function listenByUnixSocket(path: string, options: LocalListenOptions): Promise<LocalListener> {
  removeFile(path);
  const { address, release } = socketAddress(path);
  try {
    const listener = await bindLocalServer(address, options);
    try {
      chmodSync(path, 0o600);
    } catch (error) {
      await listener.close();
      throw error;
    }
    return { close: () => listener.close().finally(release) };
  } catch (error) {
    release();
    throw error;
  }
}

/** `connectLocally` by a Unix socket. */
export async function connectByUnixSocket(path: string, signal: AbortSignal): Promise<Socket> {
  const { address, release } = socketAddress(path);
  return connected(connect({ path: address, signal }).once("close", release));
}

/**
 * The address of a Unix socket, however long its path is: a path that does not fit is reached through a descriptor of its
 * directory, under `/proc/self/fd`, for as long as the address is in use.
 */
function socketAddress(path: string): { readonly address: string; readonly release: () => void } {
  if (Buffer.byteLength(path) <= longestAddress) return { address: path, release: () => {} };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let isOpen = true;
  return {
    address: `/proc/self/fd/${directory}/${basename(path)}`,
    release: () => {
      if (isOpen) closeSync(directory);
      isOpen = false;
    },
  };
}
