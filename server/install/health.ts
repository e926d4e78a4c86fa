import { setTimeout as sleep } from "node:timers/promises";
import { openTcp, probeListener } from "../client/probe.ts";
import type { StatePaths } from "../state-paths.ts";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import { addressToProbe } from "../client/probe-address.ts";
import { readStatus } from "../supervisor/control.ts";
import type { RunningStatus } from "../contract/server-status.ts";

const pollMs = 200;
const handshakeMs = 5_000;

export interface HealthOptions {
  readonly paths: StatePaths;
  /** SHA-256 of the release that has to run. */
  readonly release: string;
  /** Ports that served before, and so have to again. Of the others it is enough that one serves, as in user mode. */
  readonly ports: readonly number[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until the server serves: the right release runs, and each port that is open answers a VPN client's handshake, or does not
 * because the server is full.
 *
 * @throws {ServerError} UNHEALTHY with what is missing when the time is over
 */
export async function waitUntilHealthy(options: HealthOptions): Promise<RunningStatus> {
  const { timeoutMs, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const outcome = await unlessAborted(signal, examine(options, deadline));
    if (typeof outcome !== "string") return outcome;
    if (performance.now() + pollMs >= deadline) {
      throw new ServerError("UNHEALTHY", `after ${timeoutMs / 1000} s ${outcome}`);
    }
    await sleep(pollMs);
  }
}

/** A handshake that is under way when the signal comes ends by itself, and nobody waits for it. */
function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}

/** Returns the status of a healthy server, or what is wrong. */
async function examine(options: HealthOptions, deadline: number): Promise<RunningStatus | string> {
  const { paths, release, ports } = options;
  let status: RunningStatus | undefined;
  try {
    status = await readStatus(paths);
  } catch (error) {
    return wordsOf(error);
  }
  if (status === undefined) return "the server does not run";
  if (status.release !== release) return `release ${status.release ?? "(none)"} runs instead of ${release}`;
  const serving = status.listeners.filter(({ state }) => state === "Listening");
  const missing = status.listeners.find(({ port, state }) => ports.includes(port) && state !== "Listening");
  if (missing !== undefined) return `TCP ${missing.port} is not open: ${missing.reason ?? missing.state}`;
  if (serving.length === 0) {
    const reasons = status.listeners.map(({ port, state, reason }) => `TCP ${port}: ${reason ?? state}`);
    return `no listener is open (${reasons.join("; ") || "none is configured"})`;
  }
  const problems = await Promise.all(
    serving.map((listener) => problemOf(listener, status.version, deadline - performance.now())),
  );
  const found = problems.filter((problem) => problem !== undefined);
  const problem = found.find(({ isSilent }) => !isSilent) ?? found[0];
  if (problem === undefined) return status;
  if (!problem.isSilent) return problem.words;
  // To put the former release in the place of one that others keep busy would help nobody.
  const now = await readStatus(paths).catch(() => undefined);
  return now?.full === true && now.release === release ? now : problem.words;
}

async function problemOf(
  listener: ListenerStatus,
  version: string,
  leftMs: number,
): Promise<{ readonly words: string; readonly isSilent: boolean } | undefined> {
  const { port } = listener;
  const timeoutMs = Math.max(500, Math.min(handshakeMs, leftMs));
  try {
    const open = () => openTcp(addressToProbe(listener), port, timeoutMs);
    const { product } = await probeListener(open, { timeoutMs });
    return product === `pulumi-vpnserver ${version}`
      ? undefined
      : { words: `another server answers on TCP ${port}: "${product}"`, isSilent: false };
  } catch (error) {
    return { words: `TCP ${port} does not answer a VPN client: ${wordsOf(error)}`, isSilent: true };
  }
}
