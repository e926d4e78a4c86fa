import { once } from "node:events";
import { createServer } from "node:net";

/** What a server listens on by itself. */
const defaultListeners = [443, 992, 5555] as const;
/** The one that serves without root, and that must not be missing. */
const userPort = 5555;

export interface ChosenListeners {
  readonly listeners: readonly number[];
  /** What is to be told about the choice. */
  readonly notes: readonly string[];
}

/**
 * Chooses the ports of a server on this machine: those of every server, unless somebody has 5555, the port that serves
 * without root.
 *
 * @param isTaken whether another program listens on a port
 * @param findFree names a free port
 */
export async function chooseListeners(
  isTaken: (port: number) => Promise<boolean>,
  findFree: () => Promise<number>,
): Promise<ChosenListeners> {
  const notes: string[] = [];
  const listeners: number[] = [];
  for (const port of defaultListeners) {
    if (!(await isTaken(port))) {
      listeners.push(port);
    } else if (port === userPort) {
      const free = await findFree();
      listeners.push(free);
      notes.push(`port ${port} is taken by another program on this machine: the server gets ${free} instead`);
    } else {
      listeners.push(port);
      notes.push(`port ${port} is taken by another program on this machine: it will show as Error`);
    }
  }
  return { listeners, notes };
}

export async function isPortTaken(port: number): Promise<boolean> {
  try {
    await listenBriefly(port);
    return false;
  } catch (error) {
    // Anything else, such as EACCES below 1024, the server itself reports.
    return (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  }
}

export function findFreePort(): Promise<number> {
  return listenBriefly(0);
}

async function listenBriefly(port: number): Promise<number> {
  const server = createServer();
  server.listen(port);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system names no port");
  return address.port;
}
