import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ConfigurationAdministration,
  ConnectionSummary,
  LogAdministration,
} from "../admin/administration.ts";
import { createAdministrationFront } from "../admin/front.ts";
import type { IdentityPem } from "../identity/identity-check.ts";
import { listenAddressesOf } from "../settings/server-access.ts";
import { type ServerAccess } from "../settings/server-access.ts";
import type { ServerIdentity, ServerSettings } from "../settings/server-settings.ts";
import { Hub, type HubLog } from "../hub/hub.ts";
import type { UserSettings } from "../settings/hub-settings.ts";
import { LayeredMap } from "../settings/layered-map.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import { connectionLimits, paceLimits, sessionLimits, slabLimits } from "../limits.ts";
import type { ListenerStatus } from "../listener-status.ts";
import type { Logger } from "../logger.ts";
import type { ServerLog } from "../server-log.ts";
import type { SessionEnvironment } from "../protocols/softether/session.ts";
import { PasswordThrottle } from "../access/password-throttle.ts";
import { SoftEtherProtocol } from "../protocols/softether/softether-protocol.ts";
import { ClientRequests } from "../protocols/softether/client-requests.ts";
import { Sessions } from "../access/sessions.ts";
import { SlabPool } from "../protocols/softether/slab-pool.ts";
import { VirtualHubs } from "../access/virtual-hubs.ts";
import {
  loadOrCreateCertificate,
  regenerateCertificate,
  replaceCertificate,
  type CertificatePaths,
  type ServerCertificate,
} from "../identity/certificate.ts";
import { restoreCertificate, takeCertificate, withKnownChain } from "../identity/certificate-files.ts";
import { ConnectionLog } from "../transport/connection-log.ts";
import { Connections, type ConnectionBounds, type PendingConnection } from "../transport/connections.ts";
import { KeepAliveSender } from "../transport/keep-alive.ts";
import { FlushQueue } from "../transport/flush-queue.ts";
import { Listeners } from "../transport/listeners.ts";
import { Pacer } from "../transport/pacer.ts";
import type { RefusalCounts } from "../transport/refusals.ts";

/** From one look at the counts of refusals to the next. */
const refusalLogMs = 60_000;

export interface ServerOptions {
  readonly paths: CertificatePaths;
  readonly settings: ServerSettings;
  /**
   * Changes the settings; resolves when the new ones are on the disk and were given to {@link Server.applySettings}.
   *
   * @throws what `change` throws; nothing has changed then
   */
  readonly updateSettings: (change: (settings: ServerSettings) => ServerSettings) => Promise<ServerSettings>;
  readonly configuration: ConfigurationAdministration;
  readonly logs: LogAdministration;
  /** Whether an administrator may come from an address; the name of the hub is empty for the server's administrator. */
  readonly admitsAdministrator: (peerAddress: string, hubName: string) => boolean;
  /** Ends the server and lets another take its place. */
  readonly restart: () => void;
  readonly log: ServerLog;
  /** Makes the security log and the packet log of a hub. */
  readonly createHubLog: (hubName: string) => HubLog;
  /** Called with the states of all listeners after each change of one. */
  readonly onListenersChanged?: (listeners: readonly ListenerStatus[]) => void;
  /** By hub name in lower case: what happened before this run of the server. */
  readonly formerStatistics?: ReadonlyMap<string, HubStatistics>;
  /** What the configuration says that the server is known by. */
  readonly identity?: () => ServerIdentity | undefined;
  /** Called with the certificate at the start and after each change; the change waits for it. */
  readonly onCertificateChanged?: (certificate: ServerCertificate) => Promise<void>;
}

/** A running VPN server. */
export interface Server {
  listeners(): readonly ListenerStatus[];
  readonly certificate: ServerCertificate;
  /**
   * Shows another certificate from the next connection on; resolves once it is on the disk. Sessions go on.
   *
   * @throws {ServerError} USAGE or STATE_INVALID; the former one stays then
   */
  replaceCertificate(identity: IdentityPem): Promise<void>;
  /** Makes the server what the settings say, and gives the names of the sessions that had to end for it. */
  applySettings(settings: ServerSettings): Promise<{ readonly endedSessions: readonly string[] }>;
  /** The hubs and how many sessions each has. */
  hubs(): readonly HubSummary[];
  /** By hub name in lower case: what happened since the hub was made. */
  statistics(): ReadonlyMap<string, HubStatistics>;
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
  const { log, paths } = options;
  let { settings } = options;
  await restoreCertificate(paths, options.identity?.());
  let certificate = await loadOrCreateCertificate(paths);
  await options.onCertificateChanged?.(certificate);
  const hubs = createHubs(options);
  const flushes = new FlushQueue();
  const slabs = new SlabPool();
  const sessions = new Sessions({
    hubs,
    unixNow: () => Date.now(),
    tellServer: (text, event) => log.event(text, event),
    throttle: new PasswordThrottle({ now: () => performance.now(), delay: (ms) => delay(ms) }),
  });
  const clientRequests = new ClientRequests({
    hubs,
    sessions,
    environment: createSessionEnvironment(settings.access, flushes, slabs),
    unixNow: () => Date.now(),
    storeUser: async (hubName, user) => {
      await options.updateSettings((all) => withUser(all, hubName, user));
    },
  });
  const front = createAdministrationFront({
    administration: {
      now: () => Date.now(),
      startedAt: Date.now(),
      settings: () => settings,
      update: options.updateSettings,
      hubs,
      sessions: () => sessions,
      statistics: (hubName) => hubs.statistics(hubName),
      listeners: () => listeners.statuses(),
      connections: {
        all: () => connections.pending().map(summaryOfConnection),
        disconnect: (name) => connections.disconnect(name),
      },
      certificate: {
        current: () => certificate,
        replace: async (identity) => {
          const whole = await withKnownChain(paths, identity, certificate);
          await showCertificate(await replaceCertificate(paths, whole));
        },
        regenerate: async (commonName) => showCertificate(await regenerateCertificate(paths, commonName)),
      },
      configuration: {
        ...options.configuration,
        replace: async (text) => {
          await options.configuration.replace(text);
          // For the next start, which this is followed by.
          await takeCertificate(paths, options.identity?.());
        },
      },
      logs: options.logs,
      restart: options.restart,
    },
    admits: options.admitsAdministrator,
    log,
  });
  const connections = new Connections({
    certificate,
    ciphers: settings.cipherName,
    tls: settings.access.tls,
    bounds: boundsOf(settings.access),
    protocols: [
      new SoftEtherProtocol({
        answerRequest: (request) =>
          request.pack.str("method") === "admin"
            ? front.service.answer(request)
            : clientRequests.answer(request),
        answerWeb: (request) => front.api.answer(request),
      }),
    ],
    pacer: new Pacer({
      now: () => performance.now(),
      nextTurn: (callback) => void setImmediate(callback),
      later: (callback) => void setTimeout(callback, paceLimits.pollMs),
      giveWay: () => flushes.run(),
    }),
    log: new ConnectionLog(
      (line) => log.detail(line),
      () => performance.now(),
    ),
  });
  const listeners = new Listeners({
    addresses: listenAddressesOf(settings.access),
    accept: (socket) => connections.accept(socket),
    onChange: (statuses) => options.onListenersChanged?.(statuses),
    log,
  });
  const showCertificate = async (next: ServerCertificate) => {
    certificate = next;
    connections.useTls(certificate, settings.cipherName);
    await options.onCertificateChanged?.(certificate);
  };
  await listeners.apply(settings.listeners);
  const keepAlive = new KeepAliveSender(log);
  keepAlive.apply(settings.keepAlive);
  const stopLoggingRefusals = logRefusals(connections, log);
  const ticks = setInterval(() => sessions.tick(), sessionLimits.tickMs);
  const trims = setInterval(() => slabs.trim(), slabLimits.trimMs);
  return {
    listeners: () => listeners.statuses(),
    get certificate() {
      return certificate;
    },
    replaceCertificate: async (identity) => showCertificate(await replaceCertificate(paths, identity)),
    applySettings: async (next) => {
      const former = settings;
      settings = next;
      const endedSessions = hubs.apply(next.hubs);
      if (next.cipherName !== former.cipherName) connections.useTls(certificate, next.cipherName);
      if (next.listeners !== former.listeners) await listeners.apply(next.listeners);
      keepAlive.apply(next.keepAlive);
      return { endedSessions };
    },
    hubs: () =>
      [...hubs].map(({ hub, sessions: inHub }) => ({
        name: hub.settings.name,
        online: hub.settings.online,
        sessions: inHub.size,
      })),
    statistics: () =>
      new Map(
        [...hubs].map(({ hub }) => [hub.settings.name.toLowerCase(), hubs.statistics(hub.settings.name)]),
      ),
    refusals: () => connections.refusals(),
    close: async () => {
      stopLoggingRefusals();
      clearInterval(ticks);
      clearInterval(trims);
      keepAlive.close();
      await listeners.close();
      sessions.close();
      await connections.close();
    },
    abandon: () => sessions.close(),
  };
}

function summaryOfConnection({ name, peer, connectedAt, administers }: PendingConnection): ConnectionSummary {
  return {
    name,
    peerAddress: peer.address,
    peerPort: peer.port,
    connectedAt,
    type: administers ? "administration" : "initializing",
    client: undefined,
  };
}

/** What the configuration bounds more than this server does by itself. */
function boundsOf({ connections, connectionsPerAddress }: ServerAccess): Partial<ConnectionBounds> {
  return {
    total: Math.min(connections ?? Infinity, connectionLimits.total),
    perAddress: Math.min(connectionsPerAddress ?? Infinity, connectionLimits.perAddress),
  };
}

/** The settings with a user in the place of the one of the same name. */
function withUser(settings: ServerSettings, hubName: string, user: UserSettings): ServerSettings {
  return {
    ...settings,
    hubs: settings.hubs.map((hub) =>
      hub.name === hubName
        ? { ...hub, users: LayeredMap.with(hub.users, user.name.toLowerCase(), user) }
        : hub,
    ),
  };
}

function createHubs({ settings, createHubLog, formerStatistics }: ServerOptions): VirtualHubs {
  // A hub that is made anew under the name of one that was deleted begins anew.
  const former = new Map(formerStatistics);
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
    unixNow: () => Date.now(),
    formerStatistics: (hubName) => former.get(hubName.toLowerCase()),
  });
  hubs.apply(settings.hubs);
  former.clear();
  return hubs;
}

function createSessionEnvironment(
  { reconnect }: ServerAccess,
  flushes: FlushQueue,
  slabs: SlabPool,
): SessionEnvironment {
  return {
    now: () => performance.now(),
    randomBytes,
    randomInt,
    requestFlush: (session) => flushes.request(session),
    slabs,
    queued: { bytes: 0 },
    endsWithLastConnection: !reconnect,
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
