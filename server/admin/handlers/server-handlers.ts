import { freemem, hostname, release, totalmem } from "node:os";
import { emptyPasswordHash } from "../../config/sections/server-settings-config.ts";
import type { SyslogSettings } from "../../settings/server-settings.ts";
import { ServerError } from "../../errors.ts";
import { productName, protocolVersion, version } from "../../version.ts";
import { hashAdminPassword, sha0Bytes } from "../../wire/sha0.ts";
import { mapped } from "../../turns.ts";
import { isSame } from "../authentication.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { capabilities } from "./capabilities.ts";
import { trafficFieldsOf } from "./traffic.ts";

/** `OSTYPE_LINUX` and `OSTYPE_MACOS_X` of `Mayaqua/OS.h`; everything else is a UNIX. */
const osTypes: Readonly<Record<string, number>> = { linux: 3100, darwin: 3300, win32: 2700 };
const unknownOs = 3000;

/** Seconds between two packets of {@link KeepAliveSettings}. */
const keepAliveSeconds = { least: 5, most: 600 } as const;

/** Hubs that are counted in one step; all of them together have no more sessions than the server may have. */
const hubsPerStep = 16;

/** Characters of a host's name (`MAX_HOST_NAME_LEN`). */
const longestHost = 255;

/** What concerns the server as a whole. */
export function createServerHandlers(administration: Administration): RpcHandlers {
  const { settings, update, hubs, sessions, statistics, configuration } = administration;
  return {
    Test: ({ IntValue }) => ({ StrValue: String(IntValue) }),
    GetServerInfo: () => ({
      ServerProductName: productName,
      ServerVersionString: `Version ${(protocolVersion.version / 100).toFixed(2)} Build ${protocolVersion.build}`,
      ServerBuildInfoString: `${productName}, Node.js ${process.version}`,
      ServerVerInt: protocolVersion.version,
      ServerBuildInt: protocolVersion.build,
      ServerHostName: hostname(),
      ServerType: 0,
      ServerFamilyName: "softether",
      OsType: osTypes[process.platform] ?? unknownOs,
      OsSystemName: process.platform,
      OsProductName: process.platform,
      OsVendorName: process.platform,
      OsVersion: release(),
      KernelName: process.platform,
      KernelVersion: release(),
    }),
    *GetServerStatus() {
      const all = yield* mapped(
        [...hubs],
        ({ hub }) => ({
          macs: hub.macCount,
          ips: hub.ipCount,
          users: hub.settings.users.size,
          groups: hub.settings.groups.size,
          traffic: statistics(hub.settings.name).traffic,
        }),
        hubsPerStep,
      );
      const count = (what: "macs" | "ips" | "users" | "groups") =>
        all.reduce((sum, hub) => sum + hub[what], 0);
      const live = [...sessions()];
      const connections = administration.connections.all();
      const numConnections =
        connections.length + live.reduce((sum, { session }) => sum + session.connections, 0);
      const total = totalmem();
      const free = freemem();
      return {
        ServerType: 0,
        NumHubTotal: all.length,
        NumHubStandalone: all.length,
        NumSessionsTotal: live.length,
        NumSessionsLocal: live.length,
        NumTcpConnections: numConnections,
        NumTcpConnectionsLocal: numConnections,
        NumMacTables: count("macs"),
        NumIpTables: count("ips"),
        NumUsers: count("users"),
        NumGroups: count("groups"),
        CurrentTime: administration.now(),
        CurrentTick: Math.round(performance.now()),
        StartTime: administration.startedAt,
        ...trafficFieldsOf(all.map(({ traffic }) => traffic)),
        TotalMemory: total,
        UsedMemory: total - free,
        FreeMemory: free,
        TotalPhys: total,
        UsedPhys: total - free,
        FreePhys: free,
      };
    },
    SetServerPassword: async ({ HashedPassword, PlainTextPassword }, { administrator, setsPassword }) => {
      const isZero = HashedPassword.every((byte) => byte === 0);
      if (!isZero && HashedPassword.length !== sha0Bytes) throw new RpcError("invalidParameter");
      const hashedPassword = isZero ? hashAdminPassword(PlainTextPassword) : HashedPassword;
      if (administrator.type === "server") setsPassword?.(hashedPassword);
      await update((all) => ({ ...all, hashedPassword: Uint8Array.from(hashedPassword) }));
      return {};
    },
    GetCaps: async () => {
      const { interfaces, taps } = await administration.localBridges.support();
      const all: typeof capabilities = {
        ...capabilities,
        b_local_bridge: Number(interfaces === true),
        b_tap_supported: Number(taps === true),
      };
      return {
        CapsList: Object.entries(all).map(([CapsName, CapsValue]) => ({
          CapsName,
          CapsValue,
          CapsDescrption: CapsName,
        })),
      };
    },
    Flush: async () => ({ IntValue: await configuration.flush() }),
    RebootServer: ({ IntValue }) => {
      if (IntValue !== 0) throw new RpcError("notSupported", "the configuration is not reset by a restart");
      administration.restart();
      return {};
    },
    GetConfig: async () => ({ FileName: "vpn_server.config", FileData: await configuration.text() }),
    SetConfig: async ({ FileData }) => {
      try {
        await configuration.replace(FileData);
      } catch (error) {
        if (error instanceof ServerError) throw new RpcError("invalidParameter", error.message);
        throw error;
      }
      administration.restart();
      return { FileData: Buffer.alloc(0) };
    },
    GetAdminMsg: () => {
      const noPassword = isSame(settings().hashedPassword, emptyPasswordHash);
      const message = noPassword
        ? `${productName} ${version}: no administrator's password is set, so that only this host administers the server. Set one.`
        : "";
      return { Msg: Buffer.from(message) };
    },
    GetKeep: () => {
      const { enabled, host, port, protocol, intervalSeconds } = settings().keepAlive;
      return {
        UseKeepConnect: enabled,
        KeepConnectHost: host,
        KeepConnectPort: port,
        KeepConnectProtocol: protocol === "udp" ? 1 : 0,
        KeepConnectInterval: intervalSeconds,
      };
    },
    SetKeep: async (request) => {
      const { UseKeepConnect, KeepConnectHost, KeepConnectPort, KeepConnectInterval } = request;
      if (UseKeepConnect && (KeepConnectHost === "" || !isPort(KeepConnectPort))) {
        throw new RpcError("invalidParameter");
      }
      if (UseKeepConnect && (KeepConnectInterval < 1 || KeepConnectInterval > keepAliveSeconds.most)) {
        throw new RpcError("invalidParameter");
      }
      await update((all) => ({
        ...all,
        keepAlive: {
          enabled: UseKeepConnect,
          host: KeepConnectHost,
          port: KeepConnectPort,
          protocol: request.KeepConnectProtocol === 0 ? "tcp" : "udp",
          intervalSeconds: Math.max(KeepConnectInterval, keepAliveSeconds.least),
        },
      }));
      return {};
    },
    GetSysLog: () => {
      const { saveType, host, port } = settings().syslog;
      return { SaveType: saveType, Hostname: host, Port: port };
    },
    SetSysLog: async ({ SaveType, Hostname, Port }) => {
      if (!isSaveType(SaveType)) throw new RpcError("invalidParameter", "there is no such choice of logs");
      if (SaveType !== 0 && (Hostname === "" || !isPort(Port))) {
        throw new RpcError("invalidParameter", "a syslog server has a host name and a port");
      }
      const syslog = { saveType: SaveType, host: Hostname.slice(0, longestHost), port: Port };
      await update((all) => ({ ...all, syslog }));
      return {};
    },
  };
}

function isSaveType(number: number): number is SyslogSettings["saveType"] {
  return number <= 3;
}

export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
