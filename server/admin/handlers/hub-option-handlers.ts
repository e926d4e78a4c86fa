import { isDeepStrictEqual } from "node:util";
import { adminOptionNames, type AdminOption, type AdminOptions } from "../../settings/admin-options.ts";
import type { HubOptions, HubSettings } from "../../settings/hub-settings.ts";
import type { KeptOptions } from "../../settings/kept-options.ts";
import {
  mapPerClient,
  natOptions,
  perClientOptions,
  type NatPerClient,
} from "../../settings/secure-nat-settings.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { findHub, updateHub } from "./find-hub.ts";

/** The most options in a request (`MAX_HUB_ADMIN_OPTIONS`). */
const mostOptions = 4096;

interface NamedOption {
  readonly Name: string;
  readonly Value: number;
}

/** What a hub does in special cases, and what its administrator is held to. */
export function createHubOptionHandlers(administration: Administration): RpcHandlers {
  const { settings } = administration;
  return {
    GetHubExtOptions: ({ HubName }) => {
      const { options, keptOptions, secureNat } = findHub(settings(), HubName);
      const { perClient } = secureNat.nat;
      const all: Readonly<Record<string, boolean | number>> = {
        ...options,
        ...keptOptions,
        [natOptions.byKernel]: !secureNat.nat.byKernel,
        [natOptions.bySockets]: !secureNat.nat.bySockets,
        ...Object.fromEntries(
          Object.entries(perClientOptions).map(([bound, name]) => [
            name,
            perClient[bound as keyof NatPerClient],
          ]),
        ),
      };
      return { AdminOptionList: optionOrder.map((name) => itemOf(name, Number(all[name]))) };
    },
    SetHubExtOptions: async ({ HubName, AdminOptionList }) => {
      checkCount(AdminOptionList);
      await updateHub(administration, HubName, (hub) => withExtOptions(hub, AdminOptionList));
      return {};
    },
    GetHubAdminOptions: ({ HubName }) => {
      const { adminOptions } = findHub(settings(), HubName);
      return { AdminOptionList: adminOptionNames.map((name) => itemOf(name, adminOptions[name] ?? 0)) };
    },
    GetDefaultHubAdminOptions: () => ({ AdminOptionList: adminOptionNames.map((name) => itemOf(name, 0)) }),
    SetHubAdminOptions: async ({ HubName, AdminOptionList }, { administrator }) => {
      checkCount(AdminOptionList);
      await updateHub(administration, HubName, (hub) => {
        if (administrator.type !== "server" && !hub.adminOptions.allow_hub_admin_change_option) {
          throw new RpcError("notEnoughRights");
        }
        return { ...hub, adminOptions: adminOptionsOf(AdminOptionList) };
      });
      return {};
    },
  };
}

function itemOf(name: string, value: number) {
  return { Name: name, Value: value, Descrption: "" };
}

/** @throws {RpcError} tooManyItems */
function checkCount(list: readonly NamedOption[]): void {
  if (list.length > mostOptions) throw new RpcError("tooManyItems");
}

/** Those that the request does not name stay; names that this server does not know are left alone, as there. */
function withExtOptions(hub: HubSettings, list: readonly NamedOption[]): HubSettings {
  const values = new Map(list.map(({ Name, Value }) => [Name.toLowerCase(), Value]));
  const changed = <Options extends HubOptions | KeptOptions>(options: Options): Options => {
    const entries = Object.entries(options).map(([name, former]: [string, unknown]) => {
      const value = values.get(name.toLowerCase());
      if (value === undefined) return [name, former];
      return [name, typeof former === "boolean" ? value !== 0 : value];
    });
    return Object.fromEntries(entries) as Options;
  };
  const { nat } = hub.secureNat;
  const isAllowed = (way: keyof typeof natOptions) => {
    const forbidden = values.get(natOptions[way].toLowerCase());
    return forbidden === undefined ? nat[way] : forbidden === 0;
  };
  const [byKernel, bySockets] = [isAllowed("byKernel"), isAllowed("bySockets")];
  const perClient = mapPerClient(
    (bound) => values.get(perClientOptions[bound].toLowerCase()) ?? nat.perClient[bound],
  );
  const changedNat = { ...nat, byKernel, bySockets, perClient };
  return {
    ...hub,
    options: changed(hub.options),
    keptOptions: changed(hub.keptOptions),
    // The same object where nothing changed, since another one would begin anew.
    secureNat: isDeepStrictEqual(changedNat, nat) ? hub.secureNat : { ...hub.secureNat, nat: changedNat },
  };
}

/** Those that the request does not name are 0 then. */
function adminOptionsOf(list: readonly NamedOption[]): AdminOptions {
  const known: ReadonlyMap<string, AdminOption> = new Map(adminOptionNames.map((name) => [name, name]));
  const options: Partial<Record<AdminOption, number>> = {};
  for (const { Name, Value } of list) {
    const name = known.get(Name.toLowerCase());
    if (name !== undefined && Value !== 0) options[name] = Value;
  }
  return options;
}

/** As the official server lists them (`Cedar/Hub.c` HubOptionStructToData); what it lets be set elsewhere is not among them. */
const optionOrder = [
  "NoAddressPollingIPv4",
  "NoAddressPollingIPv6",
  "NoIpTable",
  "NoMacAddressLog",
  "ManageOnlyPrivateIP",
  "ManageOnlyLocalUnicastIPv6",
  "DisableIPParsing",
  "YieldAfterStorePacket",
  "NoSpinLockForPacketDelay",
  "BroadcastStormDetectionThreshold",
  "ClientMinimumRequiredBuild",
  "FilterPPPoE",
  "FilterOSPF",
  "FilterIPv4",
  "FilterIPv6",
  "FilterNonIP",
  "NoIPv4PacketLog",
  "NoIPv6PacketLog",
  "FilterBPDU",
  "NoIPv6DefaultRouterInRAWhenIPv6",
  "NoLookBPDUBridgeId",
  "NoManageVlanId",
  "VlanTypeId",
  "FixForDLinkBPDU",
  "RequiredClientId",
  "AdjustTcpMssValue",
  "DisableAdjustTcpMss",
  "NoDhcpPacketLogOutsideHub",
  "DisableHttpParsing",
  "DisableUdpAcceleration",
  "DisableUdpFilterForLocalBridgeNic",
  "ApplyIPv4AccessListOnArpPacket",
  "RemoveDefGwOnDhcpForLocalhost",
  "SecureNAT_MaxTcpSessionsPerIp",
  "SecureNAT_MaxTcpSynSentPerIp",
  "SecureNAT_MaxUdpSessionsPerIp",
  "SecureNAT_MaxDnsSessionsPerIp",
  "SecureNAT_MaxIcmpSessionsPerIp",
  "AccessListIncludeFileCacheLifetime",
  "DisableKernelModeSecureNAT",
  "DisableIpRawModeSecureNAT",
  "DisableUserModeSecureNAT",
  "DisableCheckMacOnLocalBridge",
  "DisableCorrectIpOffloadChecksum",
  "BroadcastLimiterStrictMode",
  "MaxLoggedPacketsPerMinute",
  "DoNotSaveHeavySecurityLogs",
  "DropBroadcastsInPrivacyFilterMode",
  "DropArpInPrivacyFilterMode",
  "SuppressClientUpdateNotification",
  "FloodingSendQueueBufferQuota",
  "AssignVLanIdByRadiusAttribute",
  "DenyAllRadiusLoginWithNoVlanAssign",
  "SecureNAT_RandomizeAssignIp",
  "DetectDormantSessionInterval",
  "NoPhysicalIPOnPacketLog",
  "UseHubNameAsDhcpUserClassOption",
  "UseHubNameAsRadiusNasId",
] as const satisfies readonly (
  | keyof HubOptions
  | keyof KeptOptions
  | (typeof natOptions)[keyof typeof natOptions]
  | (typeof perClientOptions)[keyof NatPerClient]
)[];
