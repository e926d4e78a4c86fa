import { createHubSettings, hashHubPassword } from "../../config/sections/hub-config.ts";
import {
  logTurnovers,
  packetLogKinds,
  type HubSettings,
  type LogTurnover,
  type PacketLogLevel,
} from "../../settings/hub-settings.ts";
import { hubNameProblem } from "../../settings/names.ts";
import { isLoopback } from "../../ethernet/loopback.ts";
import type { LiveHub } from "../../access/virtual-hubs.ts";
import type { HubStatistics } from "../../hub/statistics.ts";
import { mapped } from "../../turns.ts";
import { sha0Bytes } from "../../wire/sha0.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { byName } from "./by-name.ts";
import { accountLimits } from "./account-limits.ts";
import { newName } from "./given-texts.ts";
import { findHub, findLiveHub, updateHub } from "./find-hub.ts";
import { ownPortsOf } from "./own-ports.ts";
import { itemTrafficFieldsOf, trafficFieldsOf } from "./traffic.ts";

interface PasswordFields {
  readonly HashedPassword: Buffer;
  readonly SecurePassword: Buffer;
  readonly AdminPasswordPlainText: string;
}

/** Virtual Hubs: their list, their settings, their logs and messages. */
export function createHubHandlers(administration: Administration): RpcHandlers {
  const { settings, update } = administration;
  return {
    CreateHub: async (request) => {
      const { HubType } = request;
      const name = newName(request.HubName, hubNameProblem);
      if (HubType !== 0) throw new RpcError("invalidParameter", "hubs of a cluster need one");
      await update((all) => {
        if (all.hubs.some((hub) => hub.name.toLowerCase() === name.toLowerCase())) {
          throw new RpcError("hubExists");
        }
        if (all.hubs.length >= accountLimits.hubs) throw new RpcError("tooManyHubs");
        const created = createHubSettings(name);
        const hub: HubSettings = {
          ...created,
          online: request.Online,
          maxSessions: request.MaxSession,
          options: { ...created.options, NoEnum: request.NoEnum },
          ...passwordOf(request),
        };
        return { ...all, hubs: [...all.hubs, hub] };
      });
      return { HubName: name };
    },
    SetHub: async (request, { administrator, peerAddress, setsPassword }) => {
      if (request.HubType !== 0) throw new RpcError("invalidParameter", "hubs of a cluster need one");
      const password = passwordOf(request);
      const isOwn = administrator.type !== "server";
      if (isOwn && isEmptyPassword(password) && !isLoopback(peerAddress)) {
        throw new RpcError("invalidParameter", "an empty password can be set from this host only");
      }
      if (isOwn && password.hashedPassword !== undefined) setsPassword?.(password.hashedPassword);
      await updateHub(administration, request.HubName, (hub) => {
        const { no_change_admin_password, no_online, no_offline } = hub.adminOptions;
        if (isOwn && no_change_admin_password && password.hashedPassword !== undefined) {
          throw new RpcError("notEnoughRights");
        }
        const keepsState = isOwn && (request.Online ? no_online : no_offline);
        return {
          ...hub,
          online: keepsState ? hub.online : request.Online,
          maxSessions: request.MaxSession,
          options: { ...hub.options, NoEnum: request.NoEnum },
          ...password,
        };
      });
      return {};
    },
    GetHub: ({ HubName }) => {
      const hub = findHub(settings(), HubName);
      return {
        HubName: hub.name,
        Online: hub.online,
        MaxSession: hub.maxSessions,
        NoEnum: hub.options.NoEnum,
        HubType: 0,
        HashedPassword: Buffer.alloc(sha0Bytes),
        SecurePassword: Buffer.alloc(sha0Bytes),
      };
    },
    *EnumHub(_request, { administrator }) {
      // The administrator of a hub sees that one.
      const own = administrator.type === "hub" ? administration.hubs.find(administrator.hubName) : undefined;
      const all = administrator.type === "server" ? administration.hubs : own === undefined ? [] : [own];
      const hubs = yield* byName(all, ({ hub }) => hub.settings.name);
      const itemOf = (live: LiveHub) => {
        const { name } = live.hub.settings;
        const statistics = administration.statistics(name);
        return {
          ...summaryOf(live),
          IsTrafficFilled: true,
          ...itemTrafficFieldsOf(statistics.traffic),
          ...timesOf(statistics),
        };
      };
      return { HubList: yield* mapped(hubs, itemOf, hubsPerStep) };
    },
    DeleteHub: async ({ HubName }) => {
      await update((all) => {
        const hub = findHub(all, HubName);
        return { ...all, hubs: all.hubs.filter((each) => each !== hub) };
      });
      return {};
    },
    SetHubOnline: async ({ HubName, Online }) => {
      await updateHub(administration, HubName, (hub) => ({ ...hub, online: Online }));
      return {};
    },
    GetHubStatus: ({ HubName }) => {
      const live = findLiveHub(administration, HubName);
      const { name, accessList, secureNat } = live.hub.settings;
      const statistics = administration.statistics(name);
      const sessions = [...live.sessions.values()];
      const bridges = sessions.filter(({ policy }) => !policy.NoBridge).length;
      return {
        ...summaryOf(live),
        NumSessionsClient: sessions.length - bridges,
        NumSessionsBridge: bridges,
        NumAccessLists: accessList.length,
        SecureNATEnabled: secureNat.enabled,
        ...trafficFieldsOf([statistics.traffic]),
        ...timesOf(statistics),
      };
    },
    SetHubLog: async (request, { administrator }) => {
      const security = turnoverFrom(request.SecurityLogSwitchType);
      const packets = turnoverFrom(request.PacketLogSwitchType);
      await updateHub(administration, request.HubName, (hub) => {
        const keeps = administrator.type !== "server" && hub.adminOptions.no_change_log_switch_type;
        return {
          ...hub,
          log: {
            saveSecurityLog: request.SaveSecurityLog,
            savePacketLog: request.SavePacketLog,
            securityLogTurnover: keeps ? hub.log.securityLogTurnover : security,
            packetLogTurnover: keeps ? hub.log.packetLogTurnover : packets,
            packetLog: Object.fromEntries(
              packetLogKinds.map((kind, index) => [kind, Math.min(request.PacketLogConfig[index] ?? 0, 2)]),
            ) as HubSettings["log"]["packetLog"] & Record<string, PacketLogLevel>,
          },
        };
      });
      return {};
    },
    GetHubLog: ({ HubName }) => {
      const { log } = findHub(settings(), HubName);
      return {
        SaveSecurityLog: log.saveSecurityLog,
        SecurityLogSwitchType: logTurnovers.indexOf(log.securityLogTurnover),
        SavePacketLog: log.savePacketLog,
        PacketLogSwitchType: logTurnovers.indexOf(log.packetLogTurnover),
        // The official server has sixteen places, of which eight have a meaning.
        PacketLogConfig: [...packetLogKinds.map((kind) => log.packetLog[kind]), ...Array<number>(8).fill(0)],
      };
    },
    SetHubMsg: async ({ HubName, Msg }) => {
      if (Msg.length > accountLimits.messageBytes) throw new RpcError("memoryNotEnough");
      const message = textOf(Msg);
      await updateHub(administration, HubName, (hub) => ({ ...hub, message }));
      return {};
    },
    GetHubMsg: ({ HubName }) => ({ Msg: Buffer.from(findHub(settings(), HubName).message) }),
    GetHubRadius: ({ HubName }) => {
      findHub(settings(), HubName);
      return {};
    },
    SetHubRadius: async ({ HubName, RadiusServerName }) => {
      findHub(settings(), HubName);
      if (RadiusServerName !== "")
        throw new RpcError("notSupported", "users of RADIUS servers cannot log in");
      return {};
    },
    GetSecureNATOption: ({ RpcHubName }) => {
      findHub(settings(), RpcHubName);
      throw new RpcError("notSupported");
    },
  };
}

/** Hubs whose sessions are counted in one step. */
const hubsPerStep = 1;

function timesOf({ lastCommunicationAt, createdAt, lastLoginAt, logins }: HubStatistics) {
  return {
    LastCommTime: lastCommunicationAt,
    CreatedTime: createdAt,
    // Before the first login the official server shows the time at which the hub was made.
    LastLoginTime: lastLoginAt || createdAt,
    NumLogin: logins,
  };
}

function summaryOf(live: LiveHub) {
  const { hub, sessions } = live;
  const { name, online, users, groups } = hub.settings;
  return {
    HubName: name,
    Online: online,
    HubType: 0,
    NumSessions: sessions.size + ownPortsOf(live).length,
    NumUsers: users.size,
    NumGroups: groups.size,
    NumMacTables: hub.macCount,
    NumIpTables: hub.ipCount,
  };
}

/** The hashes that a request sets; none where it says nothing of a password. */
function passwordOf(
  request: PasswordFields,
): Partial<Pick<HubSettings, "hashedPassword" | "securePassword">> {
  const { HashedPassword, SecurePassword, AdminPasswordPlainText } = request;
  if (AdminPasswordPlainText !== "") return hashHubPassword(AdminPasswordPlainText);
  const isZero = [...HashedPassword, ...SecurePassword].every((byte) => byte === 0);
  if (isZero) return {};
  if (HashedPassword.length !== sha0Bytes || SecurePassword.length !== sha0Bytes) {
    throw new RpcError("invalidParameter");
  }
  return {
    hashedPassword: Uint8Array.from(HashedPassword),
    securePassword: Uint8Array.from(SecurePassword),
  };
}

function isEmptyPassword({ hashedPassword, securePassword }: ReturnType<typeof passwordOf>): boolean {
  const empty = hashHubPassword("");
  const isSame = (one: Uint8Array | undefined, other: Uint8Array) =>
    one !== undefined && Buffer.from(one).equals(other);
  return isSame(hashedPassword, empty.hashedPassword) || isSame(securePassword, empty.securePassword);
}

/** @throws {RpcError} invalidParameter */
function turnoverFrom(number: number): LogTurnover {
  const turnover = logTurnovers[number];
  if (turnover === undefined) throw new RpcError("invalidParameter", "there is no such cycle of log files");
  return turnover;
}

function textOf(bytes: Buffer): string {
  try {
    let end = bytes.length;
    while (bytes[end - 1] === 0) end--;
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end));
  } catch {
    throw new RpcError("invalidParameter", "the message is not in UTF-8");
  }
}
