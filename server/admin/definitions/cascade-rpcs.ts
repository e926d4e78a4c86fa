import { bin, bool, list, str, time, u32, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";
import {
  clientAuthenticationFields,
  clientOptionFields,
  connectionStatusFields,
  policyFields,
} from "../shared-fields.ts";

const linkOnlineFields = { HubName: str, AccountName: utf } as const;

const renameLinkFields = { HubName: str, OldAccountName: utf, NewAccountName: utf } as const;

const linkFields = {
  HubName_Ex: str,
  Online: bool,
  ...clientOptionFields,
  ...clientAuthenticationFields,
  ...policyFields,
  CheckServerCert: bool,
  AddDefaultCA: bool,
  ServerCert: bin,
} as const;

const enumLinkFields = {
  HubName: str,
  LinkList: list({
    AccountName: utf,
    ConnectedHubName: str,
    Hostname: str,
    Online: bool,
    ConnectedTime: time,
    Connected: bool,
    LastError: u32,
    TargetHubName: str,
  }),
} as const;

const linkStatusFields = { HubName_Ex: str, ...connectionStatusFields } as const;

/** Cascade. */
export const cascadeRpcs = {
  SetLinkOnline: rpc({
    summary: "Takes a cascade connection online.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: linkOnlineFields,
  }),
  SetLinkOffline: rpc({
    summary: "Takes a cascade connection offline.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: linkOnlineFields,
  }),
  DeleteLink: rpc({
    summary: "Deletes a cascade connection.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: linkOnlineFields,
  }),
  RenameLink: rpc({
    summary: "Renames a cascade connection.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights", "linkExists"],
    fields: renameLinkFields,
  }),
  CreateLink: rpc({
    summary: "Makes a cascade connection.",
    right: "hub",
    hubField: "HubName_Ex",
    errors: ["hubNotFound", "internal", "notEnoughRights", "linkExists", "linkNotOnFarm"],
    fields: linkFields,
  }),
  GetLink: rpc({
    summary: "Tells how a cascade connection is set.",
    right: "hub",
    hubField: "HubName_Ex",
    errors: ["hubNotFound", "notFound", "notSupported", "linkNotOnFarm"],
    fields: linkFields,
  }),
  SetLink: rpc({
    summary: "Changes a cascade connection.",
    right: "hub",
    hubField: "HubName_Ex",
    errors: ["hubNotFound", "notFound", "notSupported", "notEnoughRights", "linkNotOnFarm"],
    fields: linkFields,
  }),
  EnumLink: rpc({
    summary: "Lists the cascade connections of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: enumLinkFields,
  }),
  GetLinkStatus: rpc({
    summary: "Tells the state of a cascade connection.",
    right: "hub",
    hubField: "HubName_Ex",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "linkOffline"],
    fields: linkStatusFields,
  }),
};
