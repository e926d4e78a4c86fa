// The server's administrator on its own host: asks for its state again and again, each time on a new connection, and shakes hands as
// `vpnserver check` does. Prints `ready`, and what it saw as JSON once its input ends.
import { constants, setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { wordsOf } from "../../server/error-words.ts";
import { openTcp, probeListener } from "../../server/client/probe.ts";
import { callJsonRpc } from "./admin.ts";
import { arena } from "./attack.ts";
import type { Administered } from "./innocence.ts";

const pauseMs = 250;
/** Of `vpnserver check`. */
const checkMs = 10_000;
const host = "127.0.0.1";

setPriority(constants.priority.PRIORITY_HIGHEST);
const calls: Administered["calls"][number][] = [];
const checks: Administered["checks"][number][] = [];
let ending = false;

async function timed(times: typeof calls, work: () => Promise<unknown>): Promise<void> {
  const at = Date.now();
  const begin = performance.now();
  const error = await work().then(
    () => undefined,
    (problem: unknown) => wordsOf(problem),
  );
  times.push({ at, tookMs: performance.now() - begin, ...(error !== undefined && { error }) });
}

async function again(times: typeof calls, work: () => Promise<unknown>): Promise<void> {
  while (!ending) {
    await timed(times, work);
    await delay(pauseMs);
  }
}

const asServer = { host, user: "administrator", password: arena.adminPassword };
void again(calls, () => callJsonRpc(asServer, "GetServerStatus"));
void again(checks, () => probeListener(() => openTcp(host, arena.port, checkMs), { timeoutMs: checkMs }));
console.log("ready");
process.stdin.resume().once("end", () => {
  ending = true;
  process.stdout.write(`${JSON.stringify({ calls, checks } satisfies Administered)}\n`, () => process.exit());
});
