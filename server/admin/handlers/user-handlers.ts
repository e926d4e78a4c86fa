import {
  anonymous,
  authenticationNumbers,
  ntLmHashFrom,
  type Authentication,
  type HubSettings,
  type UserSettings,
} from "../../settings/hub-settings.ts";
import { userNameProblem } from "../../settings/names.ts";
import { LayeredMap } from "../../settings/layered-map.ts";
import { noStatistics } from "../../access/hub-activity.ts";
import { policyOf } from "../../access/user-policy.ts";
import { passwordAuthentication } from "../../config/sections/account-config.ts";
import { sha0Bytes } from "../../wire/sha0.ts";
import { mapped } from "../../turns.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { RpcError, type RequestOf } from "../rpc.ts";
import { byName } from "./by-name.ts";
import { accountLimits, lowerLimit } from "./account-limits.ts";
import { boundedText, newName } from "./given-texts.ts";
import { certificateFromDer } from "./listener-handlers.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { policyFieldsOf, policyFrom } from "./policy-fields.ts";
import { itemTrafficFieldsOf, trafficFieldsOf } from "./traffic.ts";

type UserMessage = RequestOf<typeof rpcs.CreateUser>;

/** Users of a hub. */
export function createUserHandlers(administration: Administration): RpcHandlers {
  const { settings, statistics, now } = administration;
  return {
    CreateUser: async (request) => {
      const { HubName } = request;
      const name = newName(request.Name, (wanted) =>
        wanted === everyUser ? undefined : userNameProblem(wanted),
      );
      let created: UserSettings | undefined;
      await updateHub(administration, HubName, (hub) => {
        if (hub.users.has(name.toLowerCase())) throw new RpcError("userExists");
        if (hub.users.size >= lowerLimit(accountLimits.usersPerHub, hub.adminOptions.max_users))
          throw new RpcError("tooManyUsers");
        created = userFrom({ ...request, Name: name }, hub, undefined, now());
        return withUser(hub, created);
      });
      return created === undefined
        ? {}
        : { Name: name, CreatedTime: created.createdAt, UpdatedTime: created.updatedAt };
    },
    SetUser: async (request) => {
      if (request.Name === "") throw new RpcError("invalidParameter");
      await updateHub(administration, request.HubName, (hub) => {
        const former = findUser(hub, request.Name);
        return withUser(hub, userFrom(request, hub, former, now()));
      });
      return {};
    },
    *GetUser({ HubName, Name }) {
      if (Name === "") throw new RpcError("invalidParameter");
      const hub = findHub(settings(), HubName);
      const user = findUser(hub, Name);
      const counted = statistics(hub.name);
      yield* counted.count?.() ?? [];
      const { logins, traffic } = counted.users.get(Name.toLowerCase()) ?? noStatistics;
      return {
        Name: user.name,
        GroupName: user.group ?? "",
        Realname: user.realName,
        Note: user.note,
        CreatedTime: user.createdAt,
        UpdatedTime: user.updatedAt,
        ExpireTime: user.expiresAt ?? 0,
        NumLogin: logins,
        ...authenticationFieldsOf(user.authentication),
        ...trafficFieldsOf([traffic]),
        ...policyFieldsOf(user.policy),
      };
    },
    DeleteUser: async ({ HubName, Name }) => {
      if (Name === "") throw new RpcError("invalidParameter");
      await updateHub(administration, HubName, (hub) => {
        findUser(hub, Name);
        return { ...hub, users: LayeredMap.without(hub.users, Name.toLowerCase()) };
      });
      return {};
    },
    *EnumUser({ HubName }) {
      const hub = findHub(settings(), HubName);
      const counted = statistics(hub.name);
      yield* counted.count?.() ?? [];
      const { users: activities } = counted;
      const users = yield* byName(hub.users, ([key]) => key);
      return {
        UserList: yield* mapped(users, ([key, user]) => {
          const { logins, lastLoginAt, traffic } = activities.get(key) ?? noStatistics;
          return {
            Name: user.name,
            GroupName: user.group ?? "",
            Realname: user.realName,
            Note: user.note,
            AuthType: authenticationNumbers[user.authentication.type],
            LastLoginTime: lastLoginAt,
            NumLogin: logins,
            DenyAccess: !policyOf(hub, user).Access,
            IsTrafficFilled: true,
            ...itemTrafficFieldsOf(traffic),
            IsExpiresFilled: true,
            Expires: user.expiresAt ?? 0,
          };
        }),
      };
    },
  };
}

/** Stands for the users that a RADIUS server or NT domain knows. */
const everyUser = "*";

function findUser(hub: HubSettings, name: string): UserSettings {
  const user = hub.users.get(name.toLowerCase());
  if (user === undefined) throw new RpcError("notFound");
  return user;
}

function withUser(hub: HubSettings, user: UserSettings): HubSettings {
  return { ...hub, users: LayeredMap.with(hub.users, user.name.toLowerCase(), user) };
}

function userFrom(
  message: UserMessage,
  hub: HubSettings,
  former: UserSettings | undefined,
  unixNow: number,
): UserSettings {
  const { GroupName } = message;
  const group = GroupName === "" ? undefined : hub.groups.get(GroupName.toLowerCase())?.name;
  if (GroupName !== "" && group === undefined) throw new RpcError("groupNotFound");
  const name = former?.name ?? message.Name;
  const authentication = authenticationFrom(message, name);
  if (name === everyUser && authentication.type !== "radius" && authentication.type !== "nt-domain") {
    throw new RpcError("invalidParameter", "the user * stands for those of a RADIUS server or NT domain");
  }
  return {
    name,
    realName: boundedText(message.Realname, former?.realName),
    note: boundedText(message.Note, former?.note),
    group,
    authentication,
    expiresAt: message.ExpireTime === 0 ? undefined : message.ExpireTime,
    policy: policyFrom(message),
    createdAt: former?.createdAt ?? unixNow,
    updatedAt: unixNow,
  };
}

function authenticationFrom(message: UserMessage, name: string): Authentication {
  switch (message.AuthType) {
    case authenticationNumbers.anonymous:
      return anonymous;
    case authenticationNumbers.password: {
      const { HashedKey, NtLmSecureHash, Auth_Password } = message;
      if (Auth_Password !== "") return passwordAuthentication(Auth_Password, name);
      if (HashedKey.length !== sha0Bytes) throw new RpcError("invalidParameter", "there is no password");
      return {
        type: "password",
        hashedKey: Uint8Array.from(HashedKey),
        ntLmHash: ntLmHashFrom(NtLmSecureHash),
      };
    }
    case authenticationNumbers.certificate: {
      const certificate = certificateFromDer(message.UserX);
      if (certificate.publicKey.asymmetricKeyType !== "rsa") throw new RpcError("certificateNotRsa");
      return { type: "certificate", certificate: Uint8Array.from(certificate.raw) };
    }
    case authenticationNumbers["signed-certificate"]:
      return {
        type: "signed-certificate",
        commonName: boundedText(message.CommonName),
        serial: Uint8Array.from(message.Serial),
      };
    case authenticationNumbers.radius:
      return { type: "radius", name: boundedText(message.RadiusUsername) };
    case authenticationNumbers["nt-domain"]:
      return { type: "nt-domain", name: boundedText(message.NtUsername) };
    default:
      throw new RpcError("invalidParameter", `there is no way to log in of number ${message.AuthType}`);
  }
}

/** All of it: a program that changes one thing of a user sends back what it got. */
function authenticationFieldsOf(authentication: Authentication) {
  const AuthType = authenticationNumbers[authentication.type];
  switch (authentication.type) {
    case "anonymous":
      return { AuthType };
    case "password":
      return {
        AuthType,
        HashedKey: Buffer.from(authentication.hashedKey),
        NtLmSecureHash: Buffer.from(authentication.ntLmHash),
      };
    case "certificate":
      return { AuthType, UserX: Buffer.from(authentication.certificate) };
    case "signed-certificate":
      return {
        AuthType,
        CommonName: authentication.commonName,
        Serial: Buffer.from(authentication.serial),
      };
    case "radius":
      return { AuthType, RadiusUsername: authentication.name };
    case "nt-domain":
      return { AuthType, NtUsername: authentication.name };
  }
}
