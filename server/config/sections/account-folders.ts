import { LayeredMap } from "../../settings/layered-map.ts";
import { mapped, type Steps } from "../../turns.ts";
import { withChildren, type ConfigFolder } from "../text/config-node.ts";
import { TextFolder } from "../text/text-folder.ts";
import { accountDepth } from "./hub-folders.ts";

/**
 * The folder of all users, or all groups: those of the accounts, in their order. The folder of an account that is the same object as
 * before is left as it is.
 *
 * @param accounts by name in lower case, and so are the former ones, which the folder holds
 * @param write one account, into its former folder if it has one
 */
export function* writeAccounts<T extends { readonly name: string }>(
  folder: ConfigFolder,
  accounts: ReadonlyMap<string, T>,
  former: ReadonlyMap<string, T> | undefined,
  write: (account: T, former: ConfigFolder | undefined) => ConfigFolder,
): Steps<ConfigFolder> {
  if (accounts === former) return folder;
  const changed = former && withChangedAccounts(folder, accounts, former, write);
  if (changed !== undefined) return withChildren(folder, changed);
  const places = new FormerPlaces(folder, former);
  const children = yield* mapped(accounts, ([key, account]) => {
    const kept = places.find(key, accounts);
    return kept !== undefined && former?.get(key) === account
      ? kept
      : TextFolder.inList(write(account, kept), accounts.size, accountDepth);
  });
  return withChildren(folder, children);
}

/** Undefined where it cannot be told in few steps what has changed, or where the folder holds more than the former accounts. */
function withChangedAccounts<T extends { readonly name: string }>(
  folder: ConfigFolder,
  accounts: ReadonlyMap<string, T>,
  former: ReadonlyMap<string, T>,
  write: (account: T, former: ConfigFolder | undefined) => ConfigFolder,
): ConfigFolder["children"] | undefined {
  const keys = LayeredMap.changedKeys(former, accounts);
  if (keys === undefined || folder.children.length !== former.size) return undefined;
  const children = [...folder.children];
  const entry = (account: T, kept?: ConfigFolder) =>
    TextFolder.inList(write(account, kept), accounts.size, accountDepth);
  for (const key of keys) {
    const [account, before] = [accounts.get(key), former.get(key)];
    if (before === undefined) {
      if (account !== undefined) children.push(entry(account));
      continue;
    }
    const place = children.findIndex((child) => child.kind === "folder" && child.name === before.name);
    if (place === -1) return undefined;
    if (account === undefined) children.splice(place, 1);
    else children[place] = entry(account, children[place] as ConfigFolder);
  }
  return children;
}

/**
 * Finds the folders of accounts in their order. Of many thousands few change at a time, so that they are where the former ones
 * were; only where they are not, they are looked up by their names.
 */
class FormerPlaces<T extends { readonly name: string }> {
  readonly #folders: ConfigFolder["children"];
  readonly #former: Iterator<T>;
  #place = 0;
  #account: T | undefined;
  /** Every folder is that of an account, in the same order. */
  #fits: boolean;
  #byKey: ReadonlyMap<string, ConfigFolder> | undefined;

  constructor(folder: ConfigFolder, former: ReadonlyMap<string, T> = new Map()) {
    this.#folders = folder.children;
    this.#fits = former.size === folder.children.length;
    this.#former = former.values();
    this.#account = this.#next();
  }

  /** @param present the accounts that there are now: others do not hold a place */
  find(key: string, present: ReadonlyMap<string, T>): ConfigFolder | undefined {
    for (; this.#account !== undefined && this.#fits; this.#advance()) {
      const folder = this.#folders[this.#place];
      const formerKey = this.#account.name.toLowerCase();
      this.#fits = folder?.kind === "folder" && folder.name === this.#account.name;
      if (!this.#fits) break;
      if (formerKey === key) {
        this.#advance();
        return folder as ConfigFolder;
      }
      if (present.has(formerKey)) break;
    }
    if (this.#fits && this.#account === undefined) return undefined;
    this.#byKey ??= foldersByKey(this.#folders);
    return this.#byKey.get(key);
  }

  #advance(): void {
    this.#place++;
    this.#account = this.#next();
  }

  #next(): T | undefined {
    const { done, value } = this.#former.next() as IteratorResult<T, undefined>;
    return done === true ? undefined : value;
  }
}

/** Of several of one name the first. */
function foldersByKey(children: ConfigFolder["children"]): ReadonlyMap<string, ConfigFolder> {
  const folders = new Map<string, ConfigFolder>();
  for (const child of children) {
    if (child.kind !== "folder") continue;
    const key = child.name.toLowerCase();
    if (!folders.has(key)) folders.set(key, child);
  }
  return folders;
}
