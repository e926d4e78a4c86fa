import { foldersIn } from "../text/config-fields.ts";
import { findFolder, type ConfigFolder } from "../text/config-node.ts";

/** The folder of the hubs in the root of a configuration. */
export const hubListName = "VirtualHUB";

/** The folder of a hub that holds its lists of accounts and certificates. */
export const databaseName = "SecurityAccountDatabase";

/** Folders that a hub is in, an entry of its lists, and an account: the root and those below it. */
export const hubDepth = 2;
export const hubEntryDepth = 4;
export const accountDepth = 5;

/** A list in {@link databaseName}. */
export type DatabaseListName = "UserList" | "GroupList" | "CertList" | "CrlList" | "IPAccessControlList";

/** The folders of the hubs, in their order; `undefined` where the configuration says nothing of hubs. */
export function findHubFolders(root: ConfigFolder): ConfigFolder[] | undefined {
  const list = findFolder(root, hubListName);
  return list && foldersIn(list);
}

/** What is in a list of a hub, in its order. */
export function foldersInDatabase(hub: ConfigFolder, name: DatabaseListName): ConfigFolder[] {
  const database = findFolder(hub, databaseName);
  return foldersIn(database && findFolder(database, name));
}

/** The rules of a hub's access list, in the order of the file. */
export function accessRuleFolders(hub: ConfigFolder): ConfigFolder[] {
  return foldersIn(findFolder(hub, "AccessList"));
}
