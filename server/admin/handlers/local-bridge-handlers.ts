import { randomTapMac } from "../../config/sections/local-bridge-config.ts";
import { localBridgeLimits } from "../../limits.ts";
import { createLocalBridge, isNamed, isSameBridge } from "../../settings/local-bridge-settings.ts";
import type { Administration, LocalBridgeReport, Possible } from "../administration.ts";
import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";
import { trimmed } from "./given-texts.ts";
import { nameLimits } from "../../limits.ts";

/** Bridges between hubs and network interfaces of the host. */
export function createLocalBridgeHandlers({ update, localBridges }: Administration): RpcHandlers {
  return {
    GetBridgeSupport: async () => ({
      IsBridgeSupportedOs: (await localBridges.support()).interfaces === true,
      IsWinPcapNeeded: false,
    }),
    EnumEthernet: async () => {
      const { interfaces } = await localBridges.support();
      if (interfaces !== true) throw new RpcError("notSupported", interfaces.reason);
      const names = await localBridges.interfaces();
      return { EthList: names.map((DeviceName) => ({ DeviceName, NetworkConnectionName: "" })) };
    },
    EnumLocalBridge: async (_request, { administrator }) => {
      check((await localBridges.support()).interfaces);
      const isShown = ({ settings: { hubName } }: LocalBridgeReport) =>
        administrator.type === "server" || hubName.toLowerCase() === administrator.hubName.toLowerCase();
      const shown = localBridges.states().filter(isShown);
      return {
        LocalBridgeList: shown.map(({ settings: bridge, online, active }) => ({
          DeviceName: bridge.deviceName,
          HubNameLB: bridge.hubName,
          Online: online,
          Active: active,
          TapMode: bridge.tap !== undefined,
        })),
      };
    },
    AddLocalBridge: async ({ DeviceName, HubNameLB, TapMode }) => {
      checkNames(DeviceName, HubNameLB);
      const { interfaces, taps } = await localBridges.support();
      check(TapMode ? taps : interfaces);
      await update((all) => {
        const bridge = createLocalBridge(HubNameLB, DeviceName, TapMode ? randomTapMac() : undefined);
        // As there, one that is there already stays as it is, and is no error.
        if (all.localBridges.some((each) => isSameBridge(each, bridge))) return all;
        if (all.localBridges.length >= localBridgeLimits.bridges)
          throw new RpcError("invalidParameter", `there can be ${localBridgeLimits.bridges} local bridges`);
        return { ...all, localBridges: [...all.localBridges, bridge] };
      });
      return {};
    },
    DeleteLocalBridge: async ({ DeviceName, HubNameLB }) => {
      checkNames(DeviceName, HubNameLB);
      await update((all) => {
        // As there, the first one of a TAP and an interface of the same name.
        const meant = all.localBridges.find((bridge) => isNamed(bridge, HubNameLB, DeviceName));
        if (meant === undefined) throw new RpcError("notFound");
        return { ...all, localBridges: all.localBridges.filter((bridge) => bridge !== meant) };
      });
      return {};
    },
  };
}

/** @throws {RpcError} invalidParameter */
function checkNames(...names: readonly string[]): void {
  for (const name of names)
    if (trimmed(name) === "" || name.length > nameLimits.nameCharacters)
      throw new RpcError("invalidParameter");
}

/** @throws {RpcError} bridgeNotSupported, with the reason */
function check(support: Possible): void {
  if (support !== true) throw new RpcError("bridgeNotSupported", support.reason);
}
