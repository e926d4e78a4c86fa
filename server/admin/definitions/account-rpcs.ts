import { bool, list, str, time, u32, utf } from "../fields.ts";
import { rpc } from "../rpc.ts";
import { authenticationFields, itemTrafficFields, policyFields, trafficFields } from "../shared-fields.ts";

const userFields = {
  HubName: str,
  Name: str,
  GroupName: str,
  Realname: utf,
  Note: utf,
  CreatedTime: time,
  UpdatedTime: time,
  ExpireTime: time,
  ...authenticationFields,
  NumLogin: u32,
  ...trafficFields,
  UsePolicy: bool,
  ...policyFields,
} as const;

const deleteUserFields = { HubName: str, Name: str } as const;

const enumUserFields = {
  HubName: str,
  UserList: list({
    Name: str,
    GroupName: str,
    Realname: utf,
    Note: utf,
    AuthType: u32,
    LastLoginTime: time,
    NumLogin: u32,
    DenyAccess: bool,
    IsTrafficFilled: bool,
    ...itemTrafficFields,
    IsExpiresFilled: bool,
    Expires: time,
  }),
} as const;

const groupFields = {
  HubName: str,
  Name: str,
  Realname: utf,
  Note: utf,
  ...trafficFields,
  UsePolicy: bool,
  ...policyFields,
} as const;

const deleteGroupFields = { HubName: str, Name: str } as const;

const enumGroupFields = {
  HubName: str,
  GroupList: list({ Name: str, Realname: utf, Note: utf, NumUsers: u32, DenyAccess: bool }),
} as const;

/** Users and groups. */
export const accountRpcs = {
  CreateUser: rpc({
    summary: "Makes a user.",
    right: "hub",
    errors: [
      "hubNotFound",
      "internal",
      "notSupported",
      "invalidParameter",
      "notEnoughRights",
      "tooManyUsers",
      "groupNotFound",
      "userExists",
      "certificateNotRsa",
      "tooManyUsersCreated",
      "authenticationNotInOpenSource",
    ],
    fields: userFields,
  }),
  SetUser: rpc({
    summary: "Changes a user.",
    right: "hub",
    errors: [
      "hubNotFound",
      "notFound",
      "notSupported",
      "invalidParameter",
      "notEnoughRights",
      "groupNotFound",
      "certificateNotRsa",
      "authenticationNotInOpenSource",
    ],
    fields: userFields,
  }),
  GetUser: rpc({
    summary: "Tells a user.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter"],
    fields: userFields,
  }),
  DeleteUser: rpc({
    summary: "Deletes a user.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: deleteUserFields,
  }),
  EnumUser: rpc({
    summary: "Lists the users of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: enumUserFields,
  }),
  CreateGroup: rpc({
    summary: "Makes a group.",
    right: "hub",
    errors: [
      "hubNotFound",
      "notSupported",
      "invalidParameter",
      "notFarmController",
      "notEnoughRights",
      "tooManyGroups",
      "groupExists",
    ],
    fields: groupFields,
  }),
  SetGroup: rpc({
    summary: "Changes a group.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: groupFields,
  }),
  GetGroup: rpc({
    summary: "Tells a group.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter"],
    fields: groupFields,
  }),
  DeleteGroup: rpc({
    summary: "Deletes a group; its users stay.",
    right: "hub",
    errors: ["hubNotFound", "notFound", "notSupported", "invalidParameter", "notEnoughRights"],
    fields: deleteGroupFields,
  }),
  EnumGroup: rpc({
    summary: "Lists the groups of a hub.",
    right: "hub",
    errors: ["hubNotFound", "notSupported"],
    fields: enumGroupFields,
  }),
};
