import { randomBytes, randomInt } from "node:crypto";
import { Hub, type HubLog } from "./hub/hub.ts";
import type { HubSettings, UserSettings } from "./hub/hub-settings.ts";
import { sessionLimits } from "./limits.ts";
import type { ListenerStatus } from "./listener-status.ts";
import type { Logger } from "./logger.ts";
import type { SessionEnvironment } from "./session/session.ts";
import { SessionService } from "./session/session-service.ts";
import { SlabPool } from "./session/slab-pool.ts";
import { policyOf } from "./session/user-policy.ts";
import { VirtualHubs } from "./session/virtual-hubs.ts";
import { loadOrCreateCertificate, type CertificatePaths } from "./transport/certificate.ts";
import { Connections } from "./transport/connections.ts";
import { FlushQueue } from "./transport/flush-queue.ts";
import { anyAddress, Listener } from "./transport/listener.ts";
import type { RefusalCounts } from "./transport/refusals.ts";

/** From one look at the counts of refusals to the next. */
const refusalLogMs = 60_000;

export interface ServerOptions {
  readonly paths: CertificatePaths;
  readonly listeners: readonly { readonly port: number; readonly enabled: boolean }[];
  readonly hubs: readonly HubSettings[];
  /** Address to listen on; every address of the host, IPv4 and IPv6, by default. */
  readonly bindAddress?: string;
  readonly log: Logger;
  /** Makes the security log and the packet log of a hub. */
  readonly createHubLog: (hubName: string) => HubLog;
  /**
   * Keeps what a user changed of itself, its password; resolves when it is on the disk. The new settings of the hubs are then to
   * come by {@link Server.applyHubs}.
   */
  readonly storeUser: (hubName: string, user: UserSettings) => Promise<void>;
  /** Called with the states of all listeners after each change of one. */
  readonly onListenersChanged?: (listeners: readonly ListenerStatus[]) => void;
}

/** A running VPN server. */
export interface Server {
  listeners(): readonly ListenerStatus[];
  /** SHA-256 of the certificate, in upper-case hexadecimal with colons. */
  readonly certificateFingerprint: string;
  /** PEM. */
  readonly certificate: string;
  /** Makes the hubs what the settings say, and gives the names of the sessions that had to end for it. */
  applyHubs(hubs: readonly HubSettings[]): { readonly endedSessions: readonly string[] };
  /** The hubs and how many sessions each has. */
  hubs(): readonly HubSummary[];
  /** How often connections and requests were refused since the start, by reason. */
  refusals(): RefusalCounts;
  /** Ends every session and connection and frees every port. */
  close(): Promise<void>;
  /** Says goodbye on every connection and waits for nothing, for a process that is about to die of a fault. */
  abandon(): void;
}

export interface HubSummary {
  readonly name: string;
  readonly online: boolean;
  readonly sessions: number;
}

/**
 * Starts the VPN server: the one place where its parts are put together. Resolves after the first attempt to open every
 * listener; one that could not be opened shows state `Error` and is retried until it can.
 *
 * @throws {ServerError} STATE_INVALID when the certificate or key cannot be used
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log } = options;
  const certificate = await loadOrCreateCertificate(options.paths);
  const hubs = createHubs(options);
  const sessions = new SessionService({
    hubs,
    environment: createSessionEnvironment(),
    unixNow: () => Date.now(),
    storeUser: options.storeUser,
  });
  const connections = new Connections({ certificate, answerMethod: (request) => sessions.answer(request) });
  const listeners: Listener[] = [];
  const statuses = () => listeners.map((listener) => listener.status);
  for (const { port, enabled } of options.listeners) {
    listeners.push(
      new Listener({
        port,
        enabled,
        addresses: options.bindAddress === undefined ? anyAddress : [options.bindAddress],
        accept: (socket) => connections.accept(socket),
        onChange: () => options.onListenersChanged?.(statuses()),
        log,
      }),
    );
  }
  await Promise.all(listeners.map((listener) => listener.start()));
  const stopLoggingRefusals = logRefusals(connections, log);
  const ticks = setInterval(() => sessions.tick(), sessionLimits.tickMs);
  return {
    listeners: statuses,
    certificateFingerprint: certificate.fingerprint,
    certificate: certificate.certificatePem,
    applyHubs: (settings) => ({ endedSessions: hubs.apply(settings) }),
    hubs: () =>
      [...hubs].map(({ hub, sessions: inHub }) => ({
        name: hub.settings.name,
        online: hub.settings.online,
        sessions: inHub.size,
      })),
    refusals: () => connections.refusals(),
    close: async () => {
      stopLoggingRefusals();
      clearInterval(ticks);
      await Promise.all(listeners.map((listener) => listener.close()));
      sessions.close();
      await connections.close();
    },
    abandon: () => sessions.close(),
  };
}

function createHubs({ hubs: settings, createHubLog }: ServerOptions): VirtualHubs {
  const hubs = new VirtualHubs({
    createHub: (hub, log) =>
      new Hub({
        settings: hub,
        log,
        now: () => performance.now(),
        random: Math.random,
        schedule: (callback, delayMs) => {
          const timer = setTimeout(callback, delayMs);
          return () => clearTimeout(timer);
        },
      }),
    createLog: createHubLog,
    policyOf,
    unixNow: () => Date.now(),
  });
  hubs.apply(settings);
  return hubs;
}

function createSessionEnvironment(): SessionEnvironment {
  const flushes = new FlushQueue();
  return {
    now: () => performance.now(),
    randomBytes,
    randomInt,
    requestFlush: (session) => flushes.request(session),
    slabs: new SlabPool(),
    queued: { bytes: 0 },
  };
}

/** Logs what was refused, at most one line a minute however much it was. */
function logRefusals(connections: Connections, log: Logger): () => void {
  let logged = connections.refusals();
  const timer = setInterval(() => {
    const counts = connections.refusals();
    const news = (Object.keys(counts) as (keyof RefusalCounts)[]).filter(
      (reason) => counts[reason] > logged[reason],
    );
    if (news.length > 0) {
      log.info(
        `refused in the last minute: ${news.map((reason) => `${reason} ${counts[reason] - logged[reason]}`).join(", ")}`,
      );
    }
    logged = counts;
  }, refusalLogMs);
  timer.unref();
  return () => clearInterval(timer);
}
