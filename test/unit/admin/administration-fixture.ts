import type {
  Administration,
  LogAdministration,
  LogFileSummary,
  SecureNatReport,
} from "../../../server/admin/administration.ts";
import { openAccess } from "../../../server/settings/server-access.ts";
import { emptyPasswordHash } from "../../../server/config/sections/server-settings-config.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import type { HubSettings } from "../../../server/settings/hub-settings.ts";
import type { LocalBridgeSettings } from "../../../server/settings/local-bridge-settings.ts";
import { HubActivity } from "../../../server/access/hub-activity.ts";
import { VirtualHubs } from "../../../server/access/virtual-hubs.ts";
import { createPortCounters } from "../../../server/hub/port-counters.ts";
import { TestHub } from "../hub/hub-fixture.ts";
import { now } from "../access/login-fixture.ts";

/** As they are where nothing was set. */
const defaultSettings = {
  listeners: [],
  hashedPassword: emptyPasswordHash,
  cipherName: "",
  access: openAccess,
  keepAlive: { enabled: false, host: "", port: 80, protocol: "tcp", intervalSeconds: 50 },
  syslog: { saveType: 0, host: "", port: 514 },
} as const;

/** What handlers see of a server, with settings in memory and nothing that listens. */
export class TestAdministration implements Administration {
  readonly hubs = new VirtualHubs({
    createHub: (settings) => new TestHub(settings).hub,
    createLog: () => ({ security: () => {}, packet: () => {} }),
    unixNow: () => now,
  });
  readonly startedAt = now;
  /** Content by path, with the hub whose log it is. */
  readonly logFiles = new Map<string, { readonly hubName: string | undefined; readonly text: string }>();
  certificatePem = "";
  keyPem = "";
  restarts = 0;
  #settings: ServerSettings;

  constructor(hubs: readonly HubSettings[], localBridges: readonly LocalBridgeSettings[] = []) {
    this.#settings = { ...defaultSettings, hubs, localBridges };
    this.hubs.apply(hubs);
  }

  readonly now = () => now;
  readonly settings = () => this.#settings;
  update = (change: (settings: ServerSettings) => ServerSettings): Promise<ServerSettings> =>
    Promise.resolve().then(() => {
      this.#settings = change(this.#settings);
      this.hubs.apply(this.#settings.hubs);
      return this.#settings;
    });
  readonly sessions = () => [...this.hubs].flatMap(({ sessions }) => [...sessions.values()]);
  readonly statistics = () => new HubActivity(now).statistics([], createPortCounters());
  readonly listeners = () => [];
  /** What each virtual host tells. */
  report: SecureNatReport | undefined;
  readonly secureNat = () => this.report;
  bridgeSupport: Awaited<ReturnType<Administration["localBridges"]["support"]>> = {
    interfaces: true,
    taps: true,
  };
  readonly localBridges = {
    support: () => Promise.resolve(this.bridgeSupport),
    interfaces: () => Promise.resolve(["br0", "eth0"]),
    states: () =>
      this.#settings.localBridges.map((settings) => ({
        settings,
        online: this.hubs.find(settings.hubName) !== undefined,
        active: settings.deviceName === "eth0",
      })),
  };
  readonly connections = { all: () => [], disconnect: () => false };
  readonly certificate = {
    current: () => ({ certificatePem: this.certificatePem, keyPem: this.keyPem, fingerprint: "" }),
    replace: () => Promise.resolve(),
    regenerate: () => Promise.resolve(),
  };
  readonly configuration = {
    text: () => Promise.resolve(Buffer.alloc(0)),
    replace: () => Promise.resolve(),
    flush: () => Promise.resolve(0),
  };
  readonly logs: LogAdministration = {
    list: () =>
      Promise.resolve(
        [...this.logFiles].map(([path, { hubName, text }]): LogFileSummary => ({
          path,
          hubName,
          bytes: text.length,
          updatedAt: now,
        })),
      ),
    find: async (wanted: string) => (await this.logs.list()).find(({ path }) => path === wanted),
    read: (path: string, offset: number, bytes: number) =>
      Promise.resolve(Buffer.from(this.logFiles.get(path)?.text ?? "").subarray(offset, offset + bytes)),
  };
  readonly restart = () => {
    this.restarts += 1;
  };
}
