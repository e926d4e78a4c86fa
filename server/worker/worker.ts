import { closeSync, writeSync } from "node:fs";
import type { StatePaths } from "../state-paths.ts";
import { AdminAddressFile } from "../access/admin-addresses.ts";
import { ConfigStore } from "../config/config-store.ts";
import { LiveConfiguration } from "../config/live-configuration.ts";
import { LiveIdentity } from "../identity/live-identity.ts";
import type { IdentityPem } from "../identity/identity-check.ts";
import { describeServerAccess } from "../settings/server-access.ts";
import { isSameIdentity, identityFromPem } from "../identity/identity-pem.ts";
import { parseDesiredStateInSteps, type DesiredState } from "../desired/desired-state.ts";
import { StateApplier } from "../desired/state-applier.ts";
import type { ApplyResult } from "../contract/apply-result.ts";
import type { NativeStatus } from "../contract/server-status.ts";
import { NativeLoader, type Native } from "../native/native.ts";
import type { Server } from "./server.ts";
import { diskProblem } from "../platform/disk-space.ts";
import { wordsOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { Logs } from "../logs/logs.ts";
import { appendFlags, openOwnFileSync } from "../platform/own-file.ts";
import { raisePriority } from "../platform/priority.ts";
import { formatJsonInSteps, parseJsonInSteps } from "../json/json-text.ts";
import { joinInSteps } from "../long-bytes.ts";
import { mapped, serverWork, turns, type Steps } from "../turns.ts";
import { productName, version } from "../version.ts";
import { failureOf } from "../supervisor/failure.ts";
import { MessageParts, type MessagePart } from "../supervisor/message-parts.ts";
import {
  restartExitCode,
  type EndRequest,
  type NumberedRequest,
  type WorkerMessage,
  type WorkerReport,
} from "../supervisor/messages.ts";
import { processTitle } from "../supervisor/self-command.ts";

/** Bound on the orderly end of a worker that was asked to end; below the patience of its supervisor. */
const closeMs = 50_000;

/** The same when the supervisor is gone, and another server may be about to take its place. */
const orphanCloseMs = 3_000;

/** From the wish for a restart to its begin. */
const restartAfterMs = 200;

/** From a fault of the worker to its end. */
const faultMs = 50;

/**
 * Runs the VPN server in this process, until it is asked to end by TERM or its supervisor is gone. Does not return: the
 * process exits with 0 when it was asked to, and with 1 after a fault.
 */
export async function runWorker(paths: StatePaths): Promise<void> {
  const asked = Promise.withResolvers<{ readonly boundMs: number; readonly exitCode: number }>();
  const restart = () => asked.resolve({ boundMs: closeMs, exitCode: restartExitCode });
  const end = () => asked.resolve({ boundMs: closeMs, exitCode: 0 });
  process.on("SIGTERM", end);
  process.on("message", (message) => (message as EndRequest).type === "end" && end());
  // Keys that are pressed in the terminal reach the supervisor too, and it decides.
  process.on("SIGINT", () => {});
  process.on("SIGHUP", () => {});
  const orphaned = () => {
    note(paths.logFile, "the supervisor is gone: the worker ends");
    asked.resolve({ boundMs: orphanCloseMs, exitCode: 0 });
  };
  process.on("disconnect", orphaned);
  if (!process.connected) orphaned();
  process.channel?.ref();
  process.title = processTitle;
  raisePriority();
  // The pipe breaks when the supervisor is killed.
  process.stdout.on("error", () => {});
  const log = createLogger(process.stdout);
  let abandon = () => {};
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (fault: unknown) => {
      log.error(`fault in the worker: ${(fault instanceof Error && fault.stack) || wordsOf(fault)}`);
      abandon();
      // What was said to the clients is with the system by then.
      setTimeout(() => process.exit(1), faultMs);
    });
  }

  try {
    const config = await ConfigStore.open(paths, { onWarning: (problem) => log.warn(problem) });
    await config.create();
    // Loaded here alone: the supervisor runs without the data plane.
    const { startServer } = await import("./server.ts");
    const logs = new Logs({
      directory: paths.logDirectory,
      journal: log,
      settings: () => config.settings,
    });
    logs.server.event(`${productName} is starting.`, { event: "server-starting", version });
    const adminAddresses = new AdminAddressFile(paths.adminAddressFile, (problem) => log.warn(problem));
    const access = describeServerAccess(config.settings.access);
    const restrictions = () => [...access, ...adminAddresses.restrictions];
    for (const restriction of restrictions()) log.info(`restricted: ${restriction}`);
    const { notServed } = config;
    for (const setting of notServed) log.info(`kept in the configuration and not served: ${setting}`);
    const configuration = new LiveConfiguration(config);
    const identity = await LiveIdentity.open(paths, config.settings.identity);
    // In the configuration too, for the official server and for backups.
    await identity.onShown((certificate) => keepIdentity(configuration, certificate));
    await identity.onShown(({ fingerprint }) => tell({ type: "certificate", tlsFingerprint: fingerprint }));
    const native = new NativeLoader({ env: process.env, directory: paths.runDirectory });
    const server: Server = await startServer({
      paths,
      configuration,
      identity,
      logs: logs.files,
      admitsAdministrator: (peerAddress, hubName) => adminAddresses.admits(peerAddress, hubName),
      // After the answer to whoever asked for it.
      restart: () => void setTimeout(() => restart(), restartAfterMs),
      log: logs.server,
      native,
      createHubLog: (hubName) => logs.createHubLog(hubName),
      onListenersChanged: (listeners) => tell({ type: "listeners", listeners }),
      formerStatistics: config.statistics,
    });
    config.provideStatistics(() => server.statistics());
    abandon = () => {
      abandon = () => {};
      server.abandon();
    };
    const applier = new StateApplier({ paths, configuration, identity });
    answerRequests({
      report: async () => {
        const [disk, status] = await Promise.all([diskProblem(paths.stateDirectory), server.status()]);
        return {
          hubs: status.hubs,
          warnings: [
            ...config.warnings,
            ...adminAddresses.problems,
            ...status.warnings,
            ...(disk === undefined ? [] : [disk]),
          ],
          restrictions: restrictions(),
          notServed,
          ...(server.isFull() && { full: true as const }),
          native: nativeStatus(native.loaded),
        };
      },
      apply: async (desired, dryRun) => {
        const result = await applier.applyInSteps(desired, dryRun);
        const { changes, endedSessions } = result;
        if (result.changed && !dryRun) {
          logs.server.event(
            `applied a desired state: ${changes.length} changes, ${endedSessions.length} sessions ended`,
            { event: "apply", changes: changes.length, endedSessions: endedSessions.length },
          );
        }
        return result;
      },
    });
    tell({
      type: "ready",
      listeners: server.listeners(),
      tlsFingerprint: identity.current.fingerprint,
    });
    const { boundMs, exitCode } = await asked.promise;
    setTimeout(() => {
      log.error(`connections did not close within ${boundMs / 1000} s: ending without them`);
      process.exit(exitCode);
    }, boundMs);
    await server.close();
    logs.server.event(`${productName} has ended.`, { event: "server-ended" });
    await logs.close();
    await config.close().catch((error: unknown) => log.error(wordsOf(error)));
    process.exit(exitCode);
  } catch (error) {
    if (!(error instanceof ServerError)) {
      log.error(
        `fault at the start of the worker: ${(error instanceof Error && error.stack) || wordsOf(error)}`,
      );
    }
    tell({ type: "failed", failure: failureOf(error) }, () => process.exit(1));
  }
}

async function keepIdentity(configuration: LiveConfiguration, certificate: IdentityPem): Promise<void> {
  const identity = identityFromPem(certificate);
  if (isSameIdentity(configuration.settings.identity, identity)) return;
  await configuration.update((settings) => ({ ...settings, identity }));
}

function nativeStatus(native: Native | undefined): NativeStatus | null {
  if (native === undefined) return null;
  return { available: native.available, detail: native.available ? native.library : native.reason };
}

interface Answers {
  readonly report: () => Promise<WorkerReport>;
  readonly apply: (desired: Steps<DesiredState>, dryRun: boolean) => Promise<ApplyResult>;
}

/** Answers what the supervisor asks. */
function answerRequests(answers: Answers): void {
  const parts = new MessageParts();
  const answerTo = async (request: Exclude<NumberedRequest, MessagePart>): Promise<void> => {
    const { number } = request;
    if (request.type === "report") {
      tell({ type: "answer", number, result: await answers.report() });
      return;
    }
    const result = await answers.apply(readDesiredState(parts, number), request.dryRun);
    for (const part of await turns.run(formatJsonInSteps(result), serverWork)) {
      await turns.begin(serverWork);
      tell({ type: "part", number, text: part.toString() });
    }
    tell({ type: "answer", number, inParts: true });
  };
  process.on("message", (message) => {
    const request = message as NumberedRequest | EndRequest;
    if (request.type === "end") return;
    if (request.type === "part") return parts.add(request);
    answerTo(request).catch((error: unknown) =>
      tell({ type: "answer", number: request.number, failure: failureOf(error) }),
    );
  });
}

function* readDesiredState(parts: MessageParts, number: number): Steps<DesiredState> {
  return yield* parseDesiredStateInSteps(yield* parseJsonInSteps(yield* bytesOf(parts.take(number))));
}

/** The texts in one piece, each made in a step. */
function* bytesOf(texts: readonly string[]): Steps<Buffer> {
  return yield* joinInSteps(yield* mapped(texts, (text) => Buffer.from(text), 1));
}

function tell(message: WorkerMessage, done: () => void = () => {}): void {
  // Without a supervisor there is nobody to tell, and the worker ends anyway.
  if (process.connected) process.send?.(message, undefined, undefined, done);
  else done();
}

function note(logFile: string, message: string): void {
  try {
    const descriptor = openOwnFileSync(logFile, appendFlags, 0o600);
    createLogger({ write: (line) => void writeSync(descriptor, line) }).warn(message);
    closeSync(descriptor);
  } catch {
    // The log's directory is gone as well.
  }
}
