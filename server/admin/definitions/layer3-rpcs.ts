import { bool, ip, list, str, u32 } from "../fields.ts";
import { rpc } from "../rpc.ts";

const l3SwitchFields = { Name: str } as const;

const enumL3SwitchFields = {
  NumItem: u32,
  L3SWList: list({ Name: str, NumInterfaces: u32, NumTables: u32, Active: bool, Online: bool }),
} as const;

const startL3SwitchFields = { Name: str } as const;

const l3IfFields = { Name: str, HubName: str, IpAddress: ip, SubnetMask: ip } as const;

const enumL3IfFields = {
  NumItem: u32,
  Name: str,
  L3IFList: list({ HubName: str, IpAddress: ip, SubnetMask: ip }),
} as const;

const l3TableFields = {
  Name: str,
  NetworkAddress: ip,
  SubnetMask: ip,
  GatewayAddress: ip,
  Metric: u32,
} as const;

const enumL3TableFields = {
  NumItem: u32,
  Name: str,
  L3Table: list({ NetworkAddress: ip, SubnetMask: ip, GatewayAddress: ip, Metric: u32 }),
} as const;

/** Layer 3 switch. */
export const layer3Rpcs = {
  AddL3Switch: rpc({
    summary: "Makes a virtual layer 3 switch.",
    right: "server",
    errors: ["internal", "invalidParameter", "layer3SwitchExists"],
    fields: l3SwitchFields,
  }),
  DelL3Switch: rpc({
    summary: "Deletes a virtual layer 3 switch.",
    right: "server",
    errors: ["invalidParameter", "layer3SwitchNotFound"],
    fields: l3SwitchFields,
  }),
  EnumL3Switch: rpc({
    summary: "Lists the virtual layer 3 switches.",
    right: "any",
    errors: [],
    fields: enumL3SwitchFields,
  }),
  StartL3Switch: rpc({
    summary: "Starts a virtual layer 3 switch.",
    right: "server",
    errors: ["invalidParameter", "layer3SwitchNotFound", "layer3CannotStart"],
    fields: startL3SwitchFields,
  }),
  StopL3Switch: rpc({
    summary: "Stops a virtual layer 3 switch.",
    right: "server",
    errors: ["invalidParameter", "layer3SwitchNotFound"],
    fields: startL3SwitchFields,
  }),
  AddL3If: rpc({
    summary: "Adds an interface to a virtual layer 3 switch.",
    right: "server",
    errors: ["invalidParameter", "layer3SwitchNotFound", "layer3InterfaceNotAdded", "layer3InterfaceExists"],
    fields: l3IfFields,
  }),
  DelL3If: rpc({
    summary: "Deletes an interface of a virtual layer 3 switch.",
    right: "server",
    errors: ["layer3SwitchNotFound", "layer3InterfaceNotDeleted"],
    fields: l3IfFields,
  }),
  EnumL3If: rpc({
    summary: "Lists the interfaces of a virtual layer 3 switch.",
    right: "any",
    errors: ["layer3SwitchNotFound"],
    fields: enumL3IfFields,
  }),
  AddL3Table: rpc({
    summary: "Adds a route to a virtual layer 3 switch.",
    right: "server",
    errors: ["invalidParameter", "layer3SwitchNotFound", "layer3RouteNotAdded"],
    fields: l3TableFields,
  }),
  DelL3Table: rpc({
    summary: "Deletes a route of a virtual layer 3 switch.",
    right: "server",
    errors: ["layer3SwitchNotFound", "layer3RouteNotDeleted"],
    fields: l3TableFields,
  }),
  EnumL3Table: rpc({
    summary: "Lists the routes of a virtual layer 3 switch.",
    right: "any",
    errors: ["invalidParameter", "layer3SwitchNotFound"],
    fields: enumL3TableFields,
  }),
};
