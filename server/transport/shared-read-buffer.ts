import { Socket } from "node:net";
import { readLimits } from "../limits.ts";

/**
 * How Node.js reads into memory of the caller's: what `net.connect` and `tls.connect` do for their documented option `onread`,
 * which sockets of a server do not have. The runtime is pinned, and a test holds it to this; where it is not as expected,
 * {@link receiveShared} reads as every other program does.
 */
interface ReadingSocket {
  readonly _handle?: { useUserBuffer?(buffer: Buffer): void } | null;
  [property: symbol]: unknown;
}

const ownSymbols = Object.getOwnPropertySymbols(new Socket());
const bufferSymbol = ownSymbols.find(({ description }) => description === "kBuffer");
const callbackSymbol = ownSymbols.find(({ description }) => description === "kBufferCb");

/** One for all connections: what is in it has been dealt with before the next read. */
const sharedBuffer = Buffer.allocUnsafeSlow(readLimits.sharedBytes);

/**
 * Hands over what comes in on a connection, in a buffer that is valid during the call only. Left to itself Node.js makes a
 * buffer for each read; at two gigabits a second collecting those took a third of the server's processor time.
 *
 * @returns whether the connection reads into the shared buffer
 */
export function receiveShared(socket: Socket, receive: (chunk: Buffer) => void): boolean {
  // What was read before it came here: nothing, as long as the connection was flowing.
  for (let chunk: unknown; (chunk = socket.read()) !== null;) receive(chunk as Buffer);
  const reading = socket as unknown as ReadingSocket;
  const handle = reading._handle;
  if (bufferSymbol === undefined || callbackSymbol === undefined || handle?.useUserBuffer === undefined) {
    socket.on("data", receive);
    return false;
  }
  reading[bufferSymbol] = sharedBuffer;
  reading[callbackSymbol] = (bytes: number) => {
    receive(sharedBuffer.subarray(0, bytes));
    return true;
  };
  handle.useUserBuffer(sharedBuffer);
  socket.resume();
  return true;
}
