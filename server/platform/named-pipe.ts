import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { connect, type Socket } from "node:net";
import { writeFileAtomically } from "./atomic-file.ts";
import { bindLocalServer, connected, type LocalListener, type LocalListenOptions } from "./local-server.ts";
import { readOwnFile } from "./own-file.ts";
import { removeFile } from "./remove-file.ts";

/**
 * `listenLocally` and `connectLocally` by a named pipe of Windows.
 *
 * Pipes have a name space of their own that every user of the host can list, and the runtime sets no access list of a pipe: by default
 * others may open it to read. So the file at the path, which only this user and administrators can read, tells the name of the pipe,
 * new and unguessable at each start, and a key, and each side proves that it has read the file before anything is said:
 *
 *     client -> server   32 bytes by chance
 *     server -> client   32 bytes by chance, proof of the server
 *     client -> server   proof of the client, then what the two have to say
 *
 * The server proves it too, since a program of somebody else may have taken the name of a server that has ended: it is told nothing,
 * no password of a desired state either.
 */

/** Where pipes are. Tests on another system have them in a folder. */
const pipeFolder = "\\\\.\\pipe\\";

const chanceBytes = 32;
const proofBytes = 32;
const fileBytes = 4096;

/** From the connection to the end of the proof. */
const proofMs = 5_000;

interface PipeAddress {
  readonly pipe: string;
  readonly key: Buffer;
}

/** @param folder stands in for the name space of pipes in tests */
export async function listenByPipe(
  path: string,
  { connections, onConnection }: LocalListenOptions,
  folder = pipeFolder,
): Promise<LocalListener> {
  const address = { pipe: `${folder}vpnserver-${randomBytes(16).toString("hex")}`, key: randomBytes(32) };
  const admit = (socket: Socket) => {
    proveAsServer(socket, address.key).then(
      () => onConnection(socket),
      () => socket.destroy(),
    );
  };
  const listener = await bindLocalServer(address.pipe, { connections, onConnection: admit });
  const close = async () => {
    removeFile(path);
    await listener.close();
  };
  try {
    const text = JSON.stringify({ pipe: address.pipe, key: address.key.toString("hex") });
    await writeFileAtomically(path, `${text}\n`, { mode: 0o600 });
  } catch (error) {
    await listener.close();
    throw error;
  }
  return { close };
}

export async function connectByPipe(path: string, signal: AbortSignal): Promise<Socket> {
  const { pipe, key } = await readAddress(path);
  const socket = connect({ path: pipe, signal });
  // Whoever reads is told by the rejection of what is read; an error between two reads must not end the process.
  socket.on("error", () => {});
  await connected(socket);
  try {
    await proveAsClient(socket, key);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function readAddress(path: string): Promise<PipeAddress> {
  const { pipe, key } = JSON.parse((await readOwnFile(path, fileBytes)).toString()) as {
    pipe?: unknown;
    key?: unknown;
  };
  if (typeof pipe !== "string" || typeof key !== "string" || !/^[0-9a-f]{64}$/.test(key)) {
    throw new Error(`${path} does not tell where the server listens`);
  }
  return { pipe, key: Buffer.from(key, "hex") };
}

async function proveAsServer(socket: Socket, key: Buffer): Promise<void> {
  const others = await readBytes(socket, chanceBytes);
  const own = randomBytes(chanceBytes);
  socket.write(Buffer.concat([own, proofOf(key, "server", others, own)]));
  const proof = await readBytes(socket, proofBytes);
  if (!timingSafeEqual(proof, proofOf(key, "client", others, own)))
    throw new Error("the client does not know the key");
}

async function proveAsClient(socket: Socket, key: Buffer): Promise<void> {
  const own = randomBytes(chanceBytes);
  socket.write(own);
  const answer = await readBytes(socket, chanceBytes + proofBytes);
  const others = answer.subarray(0, chanceBytes);
  if (!timingSafeEqual(answer.subarray(chanceBytes), proofOf(key, "server", own, others))) {
    throw new Error("who listens there is not the server of this state directory");
  }
  socket.write(proofOf(key, "client", own, others));
}

/** HMAC with SHA-256 over whose proof it is, and what both said. */
function proofOf(key: Buffer, side: "server" | "client", ofClient: Buffer, ofServer: Buffer): Buffer {
  return createHmac("sha256", key).update(side).update(ofClient).update(ofServer).digest();
}

/** Exactly so many bytes, as soon as they are there; what comes after them stays with the socket. */
function readBytes(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.off("readable", look).off("end", gone).off("close", gone);
      settle();
    };
    const look = () => {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes?.length === count) finish(() => resolve(bytes));
      else if (bytes !== null) gone();
    };
    const gone = () => finish(() => reject(new Error("the connection was closed")));
    const timer = setTimeout(
      () => finish(() => reject(new Error(`no proof within ${proofMs / 1000} s`))),
      proofMs,
    );
    socket.on("readable", look).on("end", gone).on("close", gone);
  });
}
