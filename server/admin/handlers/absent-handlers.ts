import type { RpcHandlers } from "../definitions.ts";
import { RpcError } from "../rpc.ts";

const notController = () => {
  throw new RpcError("notFarmController");
};
const noSwitch = () => {
  throw new RpcError("layer3SwitchNotFound");
};

/**
 * What this server does not have, as the official one answers where it is switched off or there is none of it: lists are empty
 * and states tell "off". Every other method of these parts is answered with "not supported", by having no handler.
 */
export function createAbsentHandlers(): RpcHandlers {
  return {
    GetFarmSetting: () => ({ ServerType: 0, Weight: 100 }),
    GetFarmInfo: notController,
    EnumFarmMember: notController,
    GetFarmConnectionStatus: () => {
      throw new RpcError("notFarmMember");
    },
    GetPortsUDP: () => ({ Ports: [] }),
    GetOpenVpnSstpConfig: () => ({ EnableOpenVPN: false, EnableSSTP: false }),
    GetSpecialListener: () => ({ VpnOverIcmpListener: false, VpnOverDnsListener: false }),
    GetIPsecServices: () => ({}),
    EnumEtherIpId: () => ({ Settings: [] }),
    EnumWgk: () => ({}),
    EnumL3Switch: () => ({ L3SWList: [] }),
    DelL3Switch: noSwitch,
    StartL3Switch: noSwitch,
    StopL3Switch: noSwitch,
    AddL3If: noSwitch,
    DelL3If: noSwitch,
    EnumL3If: noSwitch,
    AddL3Table: noSwitch,
    DelL3Table: noSwitch,
    EnumL3Table: noSwitch,
    GetAzureStatus: () => ({ IsConnected: false, IsEnabled: false }),
    EnumLink: () => ({ LinkList: [] }),
  };
}
