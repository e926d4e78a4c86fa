import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningStatus } from "../../../server/contract/server-status.ts";
import { resolveStatePaths, type StatePaths } from "../../../server/state-paths.ts";
import { ControlServer } from "../../../server/supervisor/control-server.ts";
import { version } from "../../../server/version.ts";
import { serveOnLoopback } from "../transport/loopback.ts";

export const release = "ab".repeat(32);

/** What a server is told to be: how it reports itself at each question, the last one for all that follow. */
export type Reports = readonly (Partial<RunningStatus> | "no answer")[];

/** A server that reports what a test wants, with two ports: one that answers clients, and one that closes every connection. */
export interface ReportingServer extends AsyncDisposable {
  readonly paths: StatePaths;
  readonly answering: number;
  readonly silent: number;
  /** Questions that were asked. */
  readonly asked: () => number;
}

export function listening(...ports: readonly number[]): Pick<RunningStatus, "listeners"> {
  return { listeners: ports.map((port) => ({ port, state: "Listening", address: "127.0.0.1" })) };
}

export const someStatus: RunningStatus = {
  running: true,
  version,
  release,
  executable: "/opt/vpnserver/current/vpnserver",
  stateDirectory: "/var/lib/vpnserver",
  supervisor: { pid: 10 },
  worker: { pid: 11, restarts: 0 },
  startedAt: "2026-01-31T12:00:00.000Z",
  listeners: [],
  hubs: [],
  warnings: [],
  restrictions: [],
  notServed: [],
  sessions: 0,
  tlsFingerprint: "AB:CD",
};

export async function startReporting(
  reports: (ports: Pick<ReportingServer, "answering" | "silent">) => Reports,
): Promise<ReportingServer> {
  const directory = await mkdtemp(join(tmpdir(), "vpnserver-reporting-"));
  const paths = resolveStatePaths({ env: {}, uid: 0, home: "/", stateDirectory: directory });
  const server = await serveOnLoopback();
  const closing = createServer((socket) => socket.on("error", () => {}).destroy());
  closing.listen(0, "127.0.0.1");
  await once(closing, "listening");
  const ports = { answering: server.port, silent: (closing.address() as AddressInfo).port };
  const all = reports(ports);
  let asked = 0;
  await mkdir(paths.runDirectory, { recursive: true });
  const control = await ControlServer.listen(paths.controlSocket, () => {
    const report = all[Math.min(asked++, all.length - 1)] ?? "no answer";
    return report === "no answer"
      ? { error: "the supervisor is busy" }
      : { status: { ...someStatus, ...report } };
  });
  return {
    paths,
    ...ports,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      await control.close();
      closing.close();
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
