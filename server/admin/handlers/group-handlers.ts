import type { GroupSettings, HubSettings } from "../../settings/hub-settings.ts";
import { LayeredMap } from "../../settings/layered-map.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { RpcError, type RequestOf } from "../rpc.ts";
import { byName } from "./by-name.ts";
import { accountLimits, lowerLimit } from "./account-limits.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { policyFieldsOf, policyFrom } from "./policy-fields.ts";
import { trafficFieldsOf } from "./traffic.ts";
import { boundedText, checkAccountName } from "./user-handlers.ts";

/** Groups of users. */
export function createGroupHandlers(administration: Administration): RpcHandlers {
  const { settings, statistics } = administration;
  return {
    CreateGroup: async (request) => {
      checkAccountName(request.Name);
      await updateHub(administration, request.HubName, (hub) => {
        if (hub.groups.has(request.Name.toLowerCase())) throw new RpcError("groupExists");
        if (hub.groups.size >= lowerLimit(accountLimits.groupsPerHub, hub.adminOptions.max_groups))
          throw new RpcError("tooManyGroups");
        return withGroup(hub, groupFrom(request, request.Name));
      });
      return {};
    },
    SetGroup: async (request) => {
      checkAccountName(request.Name);
      await updateHub(administration, request.HubName, (hub) =>
        withGroup(hub, groupFrom(request, findGroup(hub, request.Name).name)),
      );
      return {};
    },
    GetGroup: ({ HubName, Name }) => {
      if (Name === "") throw new RpcError("invalidParameter");
      const hub = findHub(settings(), HubName);
      const group = findGroup(hub, Name);
      const activity = statistics(hub.name).groups.get(Name.toLowerCase());
      return {
        Name: group.name,
        Realname: group.realName,
        Note: group.note,
        ...(activity && trafficFieldsOf([activity.traffic])),
        ...policyFieldsOf(group.policy),
      };
    },
    DeleteGroup: async ({ HubName, Name }) => {
      if (Name === "") throw new RpcError("invalidParameter");
      await updateHub(administration, HubName, (hub) => {
        const group = findGroup(hub, Name);
        const groups = LayeredMap.without(hub.groups, Name.toLowerCase());
        const users = new Map(
          [...hub.users].map(([key, user]) => [
            key,
            user.group?.toLowerCase() === group.name.toLowerCase() ? { ...user, group: undefined } : user,
          ]),
        );
        return { ...hub, groups, users };
      });
      return {};
    },
    EnumGroup: ({ HubName }) => {
      const hub = findHub(settings(), HubName);
      const members = new Map<string, number>();
      for (const { group } of hub.users.values()) {
        const key = group?.toLowerCase();
        if (key !== undefined) members.set(key, (members.get(key) ?? 0) + 1);
      }
      return {
        GroupList: byName(hub.groups, ([key]) => key).map(([key, { name, realName, note, policy }]) => ({
          Name: name,
          Realname: realName,
          Note: note,
          NumUsers: members.get(key) ?? 0,
          DenyAccess: policy?.Access === false,
        })),
      };
    },
  };
}

function findGroup(hub: HubSettings, name: string): GroupSettings {
  const group = hub.groups.get(name.toLowerCase());
  if (group === undefined) throw new RpcError("notFound");
  return group;
}

function withGroup(hub: HubSettings, group: GroupSettings): HubSettings {
  return { ...hub, groups: LayeredMap.with(hub.groups, group.name.toLowerCase(), group) };
}

function groupFrom(message: RequestOf<typeof rpcs.CreateGroup>, name: string): GroupSettings {
  return {
    name,
    realName: boundedText(message.Realname),
    note: boundedText(message.Note),
    policy: policyFrom(message),
  };
}
