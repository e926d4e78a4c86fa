// The innocent pair: two sessions of a hub, one of which pings the other, a steady flow from one to the other, and a third user who
// logs in again and again. Prints `ready`, and what it saw as JSON once its input ends. Arguments: address of the server.
import { constants, setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { encodeFrame, login, onFrames, payloadAt } from "../../bench/support/vpn-client.ts";
import { arena } from "./attack.ts";
import type { Innocence } from "./innocence.ts";

const [address = ""] = process.argv.slice(2);
const [pinging, answering] = [1, 2];
const kinds = { hello: 0, ping: 1, flow: 2 } as const;
const payloadBytes = 16;

const pingMs = 20;
const flow = { bitsPerSecond: 50e6, payloadBytes: 1_400, tickMs: 5, mostAtOnce: 250 } as const;
/** More waits at the sender than a flow that gets through would leave there. */
const mostWaitingBytes = 2 * 1024 * 1024;
const loginMs = 500;
const bucketMs = 100;

const begun = performance.timeOrigin;
const pings: { sentAt: number; tookMs: number | null }[] = [];
const sent: number[] = [];
const arrived: number[] = [];
const logins: Innocence["logins"][number][] = [];
let lostSessions = 0;
let ending = false;

// It is the server's delay that counts, not that of this process behind others.
setPriority(constants.priority.PRIORITY_HIGHEST);
const account = { address, hub: arena.otherHub, password: arena.userPassword };
const one = await login({ ...account, user: "one" });
const two = await login({ ...account, user: "two" });
for (const socket of [one, two]) {
  socket.on("error", () => {});
  socket.once("close", () => {
    if (!ending) lostSessions++;
  });
}
onFrames(two, (buffer, start) => {
  const { kind, number } = payloadOf(buffer, start);
  if (kind === kinds.flow) count(arrived);
  else if (kind === kinds.ping && !two.destroyed)
    two.write(encodeFrame(pinging, answering, payload(kinds.ping, number)));
});
onFrames(one, (buffer, start) => {
  const { kind, number } = payloadOf(buffer, start);
  const ping = kind === kinds.ping ? pings[number] : undefined;
  if (ping !== undefined) ping.tookMs = begun + performance.now() - ping.sentAt;
});
// So that the hub knows where it is.
two.write(encodeFrame("all", answering, payload(kinds.hello, 0)));

const pingTimer = setInterval(() => {
  if (one.destroyed) return;
  pings.push({ sentAt: begun + performance.now(), tookMs: null });
  one.write(encodeFrame(answering, pinging, payload(kinds.ping, pings.length - 1)));
}, pingMs);

const flowFrame = encodeFrame(answering, pinging, Buffer.concat([payload(kinds.flow, 0)], flow.payloadBytes));
const framesPerMs = flow.bitsPerSecond / 8 / flow.payloadBytes / 1000;
let flowAt = performance.now();
const flowTimer = setInterval(() => {
  const now = performance.now();
  const due = Math.floor((now - flowAt) * framesPerMs);
  flowAt += due / framesPerMs;
  if (due === 0) return;
  count(sent, due);
  if (one.destroyed || one.writableLength > mostWaitingBytes) return;
  one.write(Buffer.concat(Array.from({ length: Math.min(due, flow.mostAtOnce) }, () => flowFrame)));
}, flow.tickMs);

const loggingIn = (async () => {
  while (!ending) {
    const at = begun + performance.now();
    const outcome = await login({ ...account, user: "three" }).then(
      (socket) => {
        socket.on("error", () => {});
        socket.destroy();
        return undefined;
      },
      (error: Error) => error.message,
    );
    logins.push({
      at,
      tookMs: begun + performance.now() - at,
      ...(outcome !== undefined && { error: outcome }),
    });
    await delay(loginMs);
  }
})();

console.log("ready");
process.stdin.resume().once("end", () => {
  ending = true;
  clearInterval(pingTimer);
  clearInterval(flowTimer);
  void Promise.race([loggingIn, delay(1_000)]).then(() => {
    const innocence: Innocence = { pings, bucketMs, begun, sent, arrived, logins, lostSessions };
    process.stdout.write(`${JSON.stringify(innocence)}\n`, () => process.exit());
  });
});

function count(buckets: number[], frames = 1): void {
  const bucket = Math.floor(performance.now() / bucketMs);
  buckets[bucket] = (buckets[bucket] ?? 0) + frames;
}

function payload(kind: number, number: number): Buffer {
  const bytes = Buffer.alloc(payloadBytes);
  bytes.writeUInt32BE(kind, 0);
  bytes.writeUInt32BE(number, 4);
  return bytes;
}

function payloadOf(buffer: Buffer, frameAt: number): { readonly kind: number; readonly number: number } {
  const at = frameAt + payloadAt;
  return { kind: buffer.readUInt32BE(at), number: buffer.readUInt32BE(at + 4) };
}
