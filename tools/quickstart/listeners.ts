import { once } from "node:events";
import { createServer } from "node:net";

/** The one of a server's ports that serves without root. */
const usualPort = 5555;

export interface ChosenPort {
  readonly port: number;
  /** What is to be told about the choice. */
  readonly note?: string;
}

/**
 * Chooses the port of a server to try out: one is enough.
 *
 * @param isTaken whether another program listens on a port
 * @param findFree names a free port
 */
export async function choosePort(
  isTaken: (port: number) => Promise<boolean>,
  findFree: () => Promise<number>,
): Promise<ChosenPort> {
  if (!(await isTaken(usualPort))) return { port: usualPort };
  const port = await findFree();
  return {
    port,
    note: `port ${usualPort} is taken by another program on this machine: the server gets ${port} instead`,
  };
}

/** @param address that the server will listen on; every address of the host by default */
export async function isPortTaken(port: number, address?: string): Promise<boolean> {
  try {
    await listenBriefly(port, address);
    return false;
  } catch (error) {
    // Anything else the server itself reports.
    return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  }
}

export function findFreePort(address?: string): Promise<number> {
  return listenBriefly(0, address);
}

async function listenBriefly(port: number, address?: string): Promise<number> {
  const server = createServer();
  server.listen(port, address);
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  if (bound === null || typeof bound === "string") throw new Error("the system names no port");
  return bound.port;
}
