// A wave of sessions: logs them in, lets each send a frame to all the others, and ends them. Arguments: address, user, password,
// sessions.
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { encodeKeepAlive } from "../../server/wire/block-stream.ts";
import { encodeFrame, login } from "./vpn-client.ts";

const [address = "", user = "", password = "", sessions = ""] = process.argv.slice(2);
const atOnce = 16;
/** In which what the sessions sent arrives. */
const heldMs = 1_000;

/** Well below the time after which the server gives up a silent session. */
const keepAliveMs = 1_000;

const sockets: TLSSocket[] = [];
const keepAlives = setInterval(() => {
  for (const socket of sockets) socket.write(encodeKeepAlive(new Uint8Array()));
}, keepAliveMs);
let left = Number(sessions);
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (left-- > 0) {
      const socket = await login({ address, hub: "DEFAULT", user, password });
      sockets.push(socket.resume());
    }
  }),
);
for (const [index, socket] of sockets.entries()) socket.write(encodeFrame("all", index, Buffer.alloc(300)));
await delay(heldMs);
clearInterval(keepAlives);
await Promise.all(
  sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
        socket.end();
      }),
  ),
);
