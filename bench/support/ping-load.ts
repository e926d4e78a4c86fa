// Two sessions of a hub of their own, one of which pings the other: prints when each ping was sent (Unix time) and how long it
// took, in milliseconds, as JSON, once its input ends. Arguments: address, hub, password, milliseconds between two pings.
import { constants, setPriority } from "node:os";
import { BlockDecoder } from "../../server/wire/block-stream.ts";
import { blockLimits } from "../../server/limits.ts";
import type { TLSSocket } from "node:tls";
import { encodeFrame, login, payloadAt } from "./vpn-client.ts";

const [address = "", hub = "", password = "", intervalMs = ""] = process.argv.slice(2);
const [pinging, answering] = [1, 2];
const pings: { sentAt: number; tookMs: number }[] = [];

// It is the server's delay that counts, not that of this process behind others.
setPriority(constants.priority.PRIORITY_HIGHEST);
const one = await login({ address, hub, user: "one", password });
const two = await login({ address, hub, user: "two", password });
onFrames(two, (payload) => two.write(encodeFrame(pinging, answering, payload)));
onFrames(one, (payload) => {
  const sentAt = payload.readDoubleBE(0);
  // The first frame of the other one, which is for everybody.
  if (sentAt === 0) return;
  pings.push({ sentAt: performance.timeOrigin + sentAt, tookMs: performance.now() - sentAt });
});
// So that the hub knows where it is.
two.write(encodeFrame("all", answering, Buffer.alloc(8)));
const timer = setInterval(() => {
  const payload = Buffer.alloc(8);
  payload.writeDoubleBE(performance.now());
  one.write(encodeFrame(answering, pinging, payload));
}, Number(intervalMs));
console.log("pinging");
process.stdin.resume().once("end", () => {
  clearInterval(timer);
  for (const socket of [one, two]) socket.end();
  console.log(JSON.stringify(pings));
});

function onFrames(socket: TLSSocket, receive: (payload: Buffer) => void): void {
  const decoder = new BlockDecoder({
    frameBytes: blockLimits.frameBytes,
    sink: {
      alive: () => {},
      oversized: () => {},
      blocks: (buffer, start, end) => {
        for (let at = start; at < end; at += 4 + buffer.readUInt32BE(at)) {
          receive(Buffer.from(buffer.subarray(at + payloadAt, at + payloadAt + 8)));
        }
      },
    },
  });
  socket.on("data", (chunk: Buffer) => decoder.receive(chunk)).resume();
}
