import {
  accountDepth,
  databaseName,
  findHubFolders,
  foldersInDatabase,
  hubDepth,
  hubListName,
} from "./hub-folders.ts";
import type { AccountStatistics, HubStatistics, Traffic, TrafficCount } from "../../hub/statistics.ts";
import type { Steps } from "../../turns.ts";
import { emptyFolder, FieldReader, fields, withFields, type Field } from "../text/config-fields.ts";
import {
  findFolder,
  isSameName,
  withChildren,
  type ConfigDocument,
  type ConfigFolder,
  type ConfigItem,
  type ConfigNode,
} from "../text/config-node.ts";
import { TextFolder } from "../text/text-folder.ts";

/** By hub name in lower case, with those of its accounts that have anything to tell. */
export type StatisticsByHub = ReadonlyMap<string, HubStatistics>;

/**
 * What happened in the hubs, as the file has it (`Cedar/Server.c` SiLoadTraffic and those that call it).
 *
 * @throws {ConfigFieldError}
 */
export function readStatistics({ root }: ConfigDocument): StatisticsByHub {
  const hubs = new Map<string, HubStatistics>();
  for (const folder of findHubFolders(root) ?? []) {
    const path = `${hubListName}/${folder.name}`;
    const reader = new FieldReader(folder, path);
    const read = (child: ConfigFolder) => readAccount(child, `${path}/${databaseName}/${child.name}`);
    hubs.set(folder.name.toLowerCase(), {
      createdAt: reader.time("CreatedTime") ?? 0,
      lastCommunicationAt: reader.time("LastCommTime") ?? 0,
      ...readAccount(folder, path),
      users: new Map(
        foldersInDatabase(folder, "UserList")
          .filter(hasLoggedIn)
          .map((child) => [child.name.toLowerCase(), read(child)]),
      ),
      groups: new Map(
        foldersInDatabase(folder, "GroupList").map((child) => [
          child.name.toLowerCase(),
          { traffic: read(child).traffic },
        ]),
      ),
    });
  }
  return hubs;
}

/** What is known of each hub, asked for by its name in lower case: what happened in many is not counted at once. */
export type StatisticsSource = Pick<StatisticsByHub, "get">;

/** The document with what happened; the same object where nothing did. Hubs and accounts that are not in it are left out. */
export function* withStatistics(
  document: ConfigDocument,
  statistics: StatisticsSource,
): Steps<ConfigDocument> {
  const root = yield* withFolder(document.root, hubListName, (list) =>
    withEach(list, hubDepth, function* (hub) {
      yield;
      const counted = statistics.get(hub.name.toLowerCase());
      return counted === undefined ? hub : yield* withHub(hub, counted);
    }),
  );
  return root === document.root ? document : { ...document, root };
}

function* withHub(hub: ConfigFolder, counted: HubStatistics): Steps<ConfigFolder> {
  yield* counted.count?.() ?? [];
  const communication = { LastCommTime: fields.time(counted.lastCommunicationAt || undefined) };
  const changed = withDifferent(hub, { ...communication, ...accountFields(counted) });
  return yield* withFolder(changed, databaseName, function* (database) {
    const withUsers = yield* withFolder(database, "UserList", (list) =>
      withEach(list, accountDepth, function* (user) {
        const account = counted.users.get(user.name.toLowerCase());
        if (account === undefined) return user;
        yield;
        return withDifferent(user, accountFields(account));
      }),
    );
    return yield* withFolder(withUsers, "GroupList", (list) =>
      withEach(list, accountDepth, function* (group) {
        const account = counted.groups.get(group.name.toLowerCase());
        if (account === undefined) return group;
        yield;
        return withDifferent(group, { Traffic: trafficField(account.traffic) });
      }),
    );
  });
}

/** Of the others, who are many and most, there is nothing to tell. */
function hasLoggedIn(user: ConfigFolder): boolean {
  const reader = new FieldReader(user, user.name);
  return reader.uint("NumLogin") > 0 || (reader.time("LastLoginTime") ?? 0) > 0;
}

function readAccount(folder: ConfigFolder, path: string): AccountStatistics {
  const reader = new FieldReader(folder, path);
  return {
    logins: reader.uint("NumLogin"),
    lastLoginAt: reader.time("LastLoginTime") ?? 0,
    traffic: readTraffic(findFolder(folder, "Traffic"), `${path}/Traffic`),
  };
}

function readTraffic(folder: ConfigFolder | undefined, path: string): Traffic {
  const read = (name: string): TrafficCount => {
    const child = (folder && findFolder(folder, name)) ?? emptyFolder(name);
    const reader = new FieldReader(child, `${path}/${name}`);
    return {
      broadcastBytes: reader.count("BroadcastBytes"),
      broadcastCount: reader.count("BroadcastCount"),
      unicastBytes: reader.count("UnicastBytes"),
      unicastCount: reader.count("UnicastCount"),
    };
  };
  return { received: read("RecvTraffic"), sent: read("SendTraffic") };
}

function accountFields({ logins, lastLoginAt, traffic }: AccountStatistics): Record<string, Field> {
  return {
    LastLoginTime: fields.time(lastLoginAt || undefined),
    NumLogin: fields.uint(Math.min(logins, 0xffff_ffff)),
    Traffic: trafficField(traffic),
  };
}

function trafficField({ received, sent }: Traffic): Field {
  const count = (name: string, value: TrafficCount) =>
    withFields(emptyFolder(name), {
      BroadcastBytes: fields.count(value.broadcastBytes),
      BroadcastCount: fields.count(value.broadcastCount),
      UnicastBytes: fields.count(value.unicastBytes),
      UnicastCount: fields.count(value.unicastCount),
    });
  return { kind: "folder", children: [count("RecvTraffic", received), count("SendTraffic", sent)] };
}

/** `folder` itself when it has these fields. */
function withDifferent(folder: ConfigFolder, values: Record<string, Field>): ConfigFolder {
  const isSame = Object.entries(values).every(([name, field]) => {
    const child = folder.children.find(
      (each): each is ConfigFolder | ConfigItem => each.kind === field.kind && isSameName(each.name, name),
    );
    return child !== undefined && sameText(child, { ...field, name: child.name });
  });
  return isSame ? folder : withFields(folder, values);
}

function sameText(one: ConfigFolder | ConfigItem, other: ConfigFolder | ConfigItem): boolean {
  return JSON.stringify(textOf(one)) === JSON.stringify(textOf(other));
}

function textOf(node: ConfigFolder | ConfigItem): unknown {
  if (node.kind === "item") return [node.type, node.name, node.value];
  return [node.name, node.children.map((child) => (child.kind === "comment" ? child.text : textOf(child)))];
}

/** `folder` itself when it has no child of that name, or `change` leaves it the same object. */
function* withFolder(
  folder: ConfigFolder,
  name: string,
  change: (child: ConfigFolder) => Steps<ConfigFolder>,
): Steps<ConfigFolder> {
  const { children } = folder;
  const child = findFolder({ children }, name);
  const changed = child && (yield* change(child));
  if (changed === undefined || changed === child) return folder;
  return withChildren(
    folder,
    children.map((each) => (each === child ? changed : each)),
  );
}

/** @param depth folders that an entry of the list is in */
function* withEach(
  list: ConfigFolder,
  depth: number,
  change: (child: ConfigFolder) => Steps<ConfigFolder>,
): Steps<ConfigFolder> {
  let isChanged = false;
  const children: ConfigNode[] = [];
  const former = list.children;
  for (const child of former) {
    const changed = child.kind === "folder" ? yield* change(child) : child;
    isChanged ||= changed !== child;
    const isNew = changed !== child && changed.kind === "folder";
    children.push(isNew ? TextFolder.inList(changed, former.length, depth) : changed);
  }
  return isChanged ? withChildren(list, children) : list;
}
