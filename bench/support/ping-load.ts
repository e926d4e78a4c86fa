// Two sessions of a hub of their own, one of which pings the other: prints when each ping was sent (Unix time) and how long it
// took, in milliseconds, as JSON, once its input ends. Arguments: address, hub, password, milliseconds between two pings.
import { constants, setPriority } from "node:os";
import { encodeFrame, login, onFrames, payloadAt } from "./vpn-client.ts";

const [address = "", hub = "", password = "", intervalMs = ""] = process.argv.slice(2);
const [pinging, answering] = [1, 2];
const pings: { sentAt: number; tookMs: number }[] = [];

// It is the server's delay that counts, not that of this process behind others.
setPriority(constants.priority.PRIORITY_HIGHEST);
const one = await login({ address, hub, user: "one", password });
const two = await login({ address, hub, user: "two", password });
const payloadBytes = 8;
onFrames(two, (buffer, start) => {
  const payload = buffer.subarray(start + payloadAt, start + payloadAt + payloadBytes);
  two.write(encodeFrame(pinging, answering, payload));
});
onFrames(one, (buffer, start) => {
  const sentAt = buffer.readDoubleBE(start + payloadAt);
  // The first frame of the other one, which is for everybody.
  if (sentAt === 0) return;
  pings.push({ sentAt: performance.timeOrigin + sentAt, tookMs: performance.now() - sentAt });
});
// So that the hub knows where it is.
two.write(encodeFrame("all", answering, Buffer.alloc(payloadBytes)));
const timer = setInterval(() => {
  const payload = Buffer.alloc(payloadBytes);
  payload.writeDoubleBE(performance.now());
  one.write(encodeFrame(answering, pinging, payload));
}, Number(intervalMs));
console.log("pinging");
process.stdin.resume().once("end", () => {
  clearInterval(timer);
  for (const socket of [one, two]) socket.end();
  console.log(JSON.stringify(pings));
});
