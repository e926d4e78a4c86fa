import type { GroupSettings, HubSettings } from "../../settings/hub-settings.ts";
import { groupNameProblem } from "../../settings/names.ts";
import { LayeredMap } from "../../settings/layered-map.ts";
import { mapped, type Steps } from "../../turns.ts";
import type { Administration } from "../administration.ts";
import type { RpcHandlers, rpcs } from "../definitions.ts";
import { RpcError, type RequestOf } from "../rpc.ts";
import { byName } from "./by-name.ts";
import { accountLimits, lowerLimit } from "./account-limits.ts";
import { boundedText, newName } from "./given-texts.ts";
import { findHub, updateHub } from "./find-hub.ts";
import { policyFieldsOf, policyFrom } from "./policy-fields.ts";
import { trafficFieldsOf } from "./traffic.ts";

/** Groups of users. */
export function createGroupHandlers(administration: Administration): RpcHandlers {
  const { settings, statistics } = administration;
  return {
    CreateGroup: async (request) => {
      const name = newName(request.Name, groupNameProblem);
      await updateHub(administration, request.HubName, (hub) => {
        if (hub.groups.has(name.toLowerCase())) throw new RpcError("groupExists");
        if (hub.groups.size >= lowerLimit(accountLimits.groupsPerHub, hub.adminOptions.max_groups))
          throw new RpcError("tooManyGroups");
        return withGroup(hub, groupFrom(request, { name }));
      });
      return { Name: name };
    },
    SetGroup: async (request) => {
      if (request.Name === "") throw new RpcError("invalidParameter");
      await updateHub(administration, request.HubName, (hub) =>
        withGroup(hub, groupFrom(request, findGroup(hub, request.Name))),
      );
      return {};
    },
    *GetGroup({ HubName, Name }) {
      if (Name === "") throw new RpcError("invalidParameter");
      const hub = findHub(settings(), HubName);
      const group = findGroup(hub, Name);
      const counted = statistics(hub.name);
      yield* counted.count?.() ?? [];
      const activity = counted.groups.get(Name.toLowerCase());
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
    *EnumGroup({ HubName }) {
      const hub = findHub(settings(), HubName);
      const members = yield* membersOf(hub);
      const groups = yield* byName(hub.groups, ([key]) => key);
      return {
        GroupList: yield* mapped(groups, ([key, { name, realName, note, policy }]) => ({
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

/** How many users each group has, by its name in lower case. */
function* membersOf({ users }: HubSettings): Steps<ReadonlyMap<string, number>> {
  const members = new Map<string, number>();
  let looks = 0;
  for (const { group } of users.values()) {
    if (++looks % usersPerStep === 0) yield;
    const key = group?.toLowerCase();
    if (key !== undefined) members.set(key, (members.get(key) ?? 0) + 1);
  }
  return members;
}

/** Users whose group is looked at in one step. */
const usersPerStep = 1_024;

function findGroup(hub: HubSettings, name: string): GroupSettings {
  const group = hub.groups.get(name.toLowerCase());
  if (group === undefined) throw new RpcError("notFound");
  return group;
}

function withGroup(hub: HubSettings, group: GroupSettings): HubSettings {
  return { ...hub, groups: LayeredMap.with(hub.groups, group.name.toLowerCase(), group) };
}

/** What a group was; of a new one its name alone. */
type FormerGroup = Pick<GroupSettings, "name"> & Partial<GroupSettings>;

function groupFrom(
  message: RequestOf<typeof rpcs.CreateGroup>,
  { name, realName, note }: FormerGroup,
): GroupSettings {
  return {
    name,
    realName: boundedText(message.Realname, realName),
    note: boundedText(message.Note, note),
    policy: policyFrom(message),
  };
}
