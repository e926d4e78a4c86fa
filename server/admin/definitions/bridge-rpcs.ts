import { bool, list, str, u32, u64, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";

const ethernetFields = {
  NumItem: u32,
  EthList: list({ DeviceName: str, NetworkConnectionName: utf }),
} as const;

const localBridgeFields = { DeviceName: str, HubNameLB: str, TapMode: bool } as const;

const enumLocalBridgeFields = {
  NumItem: u32,
  LocalBridgeList: list({ DeviceName: str, HubNameLB: str, Online: bool, Active: bool, TapMode: bool }),
} as const;

const bridgeSupportFields = { IsBridgeSupportedOs: bool, IsWinPcapNeeded: bool } as const;

const ethVLanFields = {
  Devices: list({
    DeviceName: str,
    Guid: str,
    DeviceInstanceId: str,
    DriverName: str,
    DriverType: str,
    Support: bool,
    Enabled: bool,
  }),
} as const;

const enableEthVLanFields = { IntValue: u32, Int64Value: u64, StrValue: str, UniStrValue: utf } as const;

/** Local bridge, Ethernet. */
export const bridgeRpcs = {
  EnumEthernet: rpc({
    summary: "Lists the network adapters that a local bridge can use.",
    right: "server",
    errors: ["notSupported"],
    fields: ethernetFields,
  }),
  AddLocalBridge: rpc({
    summary: "Makes a local bridge.",
    right: "server",
    errors: ["notFound", "invalidParameter", "bridgeNotSupported"],
    fields: localBridgeFields,
  }),
  DeleteLocalBridge: rpc({
    summary: "Deletes a local bridge.",
    right: "server",
    errors: ["notFound", "invalidParameter"],
    fields: localBridgeFields,
  }),
  EnumLocalBridge: rpc({
    summary: "Lists the local bridges.",
    right: "any",
    errors: ["bridgeNotSupported"],
    fields: enumLocalBridgeFields,
  }),
  GetBridgeSupport: rpc({
    summary: "Tells whether the system supports local bridges.",
    right: "any",
    errors: [],
    fields: bridgeSupportFields,
  }),
  EnumEthVLan: rpc({
    summary: "Lists how network adapters treat tagged frames (Windows).",
    right: "server",
    errors: ["internal", "notSupported"],
    fields: ethVLanFields,
  }),
  SetEnableEthVLan: rpc({
    summary: "Sets how a network adapter treats tagged frames (Windows).",
    right: "server",
    errors: ["internal", "notSupported", "notEnoughRights"],
    fields: enableEthVLanFields,
  }),
};
