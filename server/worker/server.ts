import { PasswordThrottle } from "../access/password-throttle.ts";
import { Sessions } from "../access/sessions.ts";
import { VirtualHubs } from "../access/virtual-hubs.ts";
import type { LiveConfiguration } from "../config/live-configuration.ts";
import { prepareAccessList } from "../hub/hub-state.ts";
import { ThreadTime } from "../hub/hub-time.ts";
import { Hub } from "../hub/hub.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import { connectionLimits, paceLimits } from "../limits.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import { listenAddressesOf, type ServerAccess } from "../settings/server-access.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import { ConnectionLog } from "../transport/connection-log.ts";
import { Connections, type ConnectionBounds } from "../transport/connections.ts";
import { Listeners } from "../transport/listeners.ts";
import { Pacer } from "../transport/pacer.ts";
import type { RefusalCounts } from "../transport/refusals.ts";
import { turns } from "../turns.ts";
import { HostSockets } from "./host-sockets.ts";
import type { Environment, ServerOptions } from "./environment.ts";
import type { Feature, FeatureStatus, RunningFeature } from "./feature.ts";
import { administration } from "./features/administration.ts";
import { hubs } from "./features/hubs.ts";
import { keepAlive } from "./features/keep-alive.ts";
import { listening } from "./features/listening.ts";
import { localBridge } from "./features/local-bridge.ts";
import { refusalLog } from "./features/refusal-log.ts";
import { secureNat } from "./features/secure-nat.ts";
import { softEther } from "./features/softether.ts";
import { spareMemory } from "./features/spare-memory.ts";

/** All that the server does, in the order in which it starts; it ends the other way round. Another feature is another line. */
const features: readonly Feature[] = [
  hubs,
  secureNat,
  localBridge,
  softEther,
  administration,
  keepAlive,
  refusalLog,
  spareMemory,
  listening,
];

/** A running VPN server. */
export interface Server {
  listeners(): readonly ListenerStatus[];
  /** The hubs and what each has, and what does not work although it is set up. */
  status(): Promise<Required<FeatureStatus>>;
  /** By hub name in lower case: what happened since the hub was made. */
  statistics(): Pick<ReadonlyMap<string, HubStatistics>, "get">;
  /** Whether connections that have not logged in took each other's places a short time ago. */
  isFull(): boolean;
  /** How often connections and requests were refused since the start, by reason. */
  refusals(): RefusalCounts;
  /** Ends every session and connection and frees every port. */
  close(): Promise<void>;
  /** Says goodbye on every connection and waits for nothing, for a process that is about to die of a fault. */
  abandon(): void;
}

/**
 * Starts the VPN server: the one place where its parts are put together. Resolves after the first attempt to open every
 * listener; one that could not be opened shows state `Error` and is retried until it can.
 *
 * @throws {ServerError} STATE_INVALID when the certificate or key cannot be used
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const host = new HostSockets(options.native);
  const environment = createEnvironment(options, host);
  const { configuration, connections, hubs, listeners } = environment;
  const running: RunningFeature[] = [];
  for (const feature of features) running.push(await feature.start(environment));
  let former: ServerSettings = configuration.settings;
  configuration.giveTo(async () => {
    await preparedAccessLists(configuration);
    // Those of now: another change may have come meanwhile.
    const { settings } = configuration;
    const before = former;
    former = settings;
    // All begin at once, so that none of a later change comes first.
    const ended = await Promise.all(running.map(async (feature) => feature.apply?.(settings, before)));
    return ended.flatMap((names) => names ?? []);
  });
  return {
    listeners: () => listeners.statuses(),
    status: async () => {
      const told = await Promise.all(running.map(async (feature) => feature.status?.()));
      return {
        hubs: told.flatMap((each) => each?.hubs ?? []),
        warnings: told.flatMap((each) => each?.warnings ?? []),
      };
    },
    isFull: () => connections.isFull,
    statistics: () => ({ get: (hubName) => hubs.find(hubName) && hubs.statistics(hubName) }),
    refusals: () => connections.refusals(),
    close: async () => {
      for (const feature of running.toReversed()) await feature.close?.();
      await connections.close();
      host.close();
    },
    abandon: () => {
      for (const feature of running) feature.abandon?.();
    },
  };
}

/** Resolves when the hubs can take their access lists without holding up anybody. */
async function preparedAccessLists(configuration: LiveConfiguration): Promise<void> {
  for (const seen = new Set<ServerSettings>(); !seen.has(configuration.settings);) {
    const { hubs } = configuration.settings;
    seen.add(configuration.settings);
    for (const hub of hubs) {
      const steps = prepareAccessList(hub);
      if (steps !== undefined) await turns.run(steps, hub.name.toLowerCase());
    }
  }
}

/** The parts that features share. None of them does anything yet. */
function createEnvironment(options: ServerOptions, host: HostSockets): Environment {
  // What happened before is for the hubs alone, which take it out when they are made.
  const { formerStatistics: _taken, ...lasting } = options;
  const { configuration, identity, log } = options;
  const { access, cipherName } = configuration.settings;
  const threadTime = new ThreadTime({
    now: () => performance.now(),
    // After the sockets of this turn of the event loop, unlike a microtask.
    nextTurn: (callback) => void setImmediate(callback),
  });
  const hubs = createHubs(options, threadTime);
  const shared = {
    protocols: [],
    clearProtocols: [],
    clientMethods: new Map(),
    webPages: new Map(),
    secureNats: new Map(),
    localBridges: { states: () => [] },
  } satisfies Partial<Environment>;
  const connections = new Connections({
    certificate: identity.current,
    ciphers: cipherName,
    tls: access.tls,
    bounds: boundsOf(access),
    protocols: shared.protocols,
    clearProtocols: shared.clearProtocols,
    host,
    pacer: new Pacer({
      now: () => performance.now(),
      nextTurn: (callback) => void setImmediate(callback),
      later: (callback) => void setTimeout(callback, paceLimits.pollMs),
      giveWay: () => threadTime.run(),
    }),
    log: new ConnectionLog(
      (line) => log.detail(line),
      () => performance.now(),
    ),
  });
  return {
    ...lasting,
    ...shared,
    hubs,
    connections,
    sessions: new Sessions({
      hubs,
      unixNow: () => Date.now(),
      tellServer: (text, event) => log.event(text, event),
      throttle: new PasswordThrottle(),
    }),
    listeners: new Listeners({
      addresses: listenAddressesOf(access),
      accept: (socket) => connections.accept(socket),
      onChange: (statuses) => options.onListenersChanged?.(statuses),
      log,
    }),
  };
}

function createHubs({ createHubLog, formerStatistics }: ServerOptions, threadTime: ThreadTime): VirtualHubs {
  // A hub that is made anew under the name of one that was deleted begins anew.
  const former = new Map(formerStatistics);
  return new VirtualHubs({
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
        time: threadTime.createShare(),
      }),
    createLog: createHubLog,
    unixNow: () => Date.now(),
    formerStatistics: (hubName) => {
      const key = hubName.toLowerCase();
      const statistics = former.get(key);
      former.delete(key);
      return statistics;
    },
  });
}

/** What the configuration bounds more than this server does by itself. */
function boundsOf({ connections, connectionsPerAddress }: ServerAccess): Partial<ConnectionBounds> {
  return {
    total: Math.min(connections ?? Infinity, connectionLimits.total),
    perAddress: Math.min(connectionsPerAddress ?? Infinity, connectionLimits.perAddress),
  };
}
