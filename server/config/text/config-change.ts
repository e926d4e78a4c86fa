import { atOnce, mapped, valuesPerStep, type Steps } from "../../turns.ts";
import type { ConfigComment, ConfigDocument, ConfigFolder, ConfigItem, ConfigNode } from "./config-node.ts";
import { TextFolder } from "./text-folder.ts";

/** One difference between two configurations: a node of a folder is put in its place, or taken away. */
export type ConfigChange =
  | { readonly path: readonly string[]; readonly put: ConfigFolder | ConfigItem }
  | { readonly path: readonly string[]; readonly remove: Pick<ConfigFolder | ConfigItem, "kind" | "name"> };

/** The change does not fit the document that it is made to. */
export class ConfigChangeError extends Error {
  override readonly name = "ConfigChangeError";
}

/**
 * What makes `next` of `former`, in few changes where few things differ; folders that are the same object are not looked
 * into. A path begins below the root. Undefined when that cannot be said by changes: the header or the root's order differs.
 */
export function changesBetween(former: ConfigDocument, next: ConfigDocument): ConfigChange[] | undefined {
  return atOnce(changesBetweenInSteps(former, next));
}

/** Like {@link changesBetween}; undefined too for more than `most` changes. */
export function* changesBetweenInSteps(
  former: ConfigDocument,
  next: ConfigDocument,
  most = Infinity,
): Steps<ConfigChange[] | undefined> {
  const changes = yield* changesOfDocument(former, next, most);
  return changes !== undefined && changes.length > most ? undefined : changes;
}

function* changesOfDocument(
  former: ConfigDocument,
  next: ConfigDocument,
  most: number,
): Steps<ConfigChange[] | undefined> {
  if (former.header !== next.header && former.header.join("\n") !== next.header.join("\n")) return undefined;
  if (former.root.name !== next.root.name) return undefined;
  return yield* differences(former.root, next.root, [], most);
}

/** Undefined when the order or comments differ, or two children have one name: then the whole folder is to be put. */
function* differences(
  former: ConfigFolder,
  next: ConfigFolder,
  path: readonly string[],
  most: number,
): Steps<ConfigChange[] | undefined> {
  if (former === next) return [];
  const isSameText = former instanceof TextFolder && next instanceof TextFolder && next.hasTextOf(former);
  if (isSameText) return [];
  return yield* differencesWithin(former.children, next.children, path, most);
}

function* differencesWithin(
  former: readonly ConfigNode[],
  next: readonly ConfigNode[],
  path: readonly string[],
  most: number,
): Steps<ConfigChange[] | undefined> {
  if (former === next) return [];
  const [start, formerEnd, nextEnd] = differingRange(former, next);
  yield;
  const before = yield* byKey(former.slice(start, formerEnd));
  const after = yield* byKey(next.slice(start, nextEnd));
  if (before === undefined || after === undefined) return undefined;
  const isLast = nextEnd === next.length;
  const changes: ConfigChange[] = [];
  const kept: string[] = [];
  let isNew = false;
  let looks = 0;
  for (const [key, child] of after) {
    if (++looks % valuesPerStep === 0) yield;
    // Nobody wants the rest: what comes of so many is written as a whole.
    if (changes.length > most) return changes;
    const old = before.get(key);
    if (old === undefined) {
      // What is put comes last.
      if (child.kind === "comment" || !isLast) return undefined;
      isNew = true;
      changes.push({ path, put: child });
      continue;
    }
    if (isNew) return undefined;
    kept.push(key);
    if (old === child || child.kind === "comment" || old.kind === "comment") continue;
    changes.push(...(yield* changesOf(old, child, path, most)));
  }
  let index = 0;
  const removed: ConfigChange[] = [];
  for (const [key, child] of before) {
    if (++looks % valuesPerStep === 0) yield;
    if (after.has(key)) {
      if (kept[index++] !== key) return undefined;
    } else {
      if (child.kind === "comment") return undefined;
      removed.push({ path, remove: { kind: child.kind, name: child.name } });
    }
  }
  const all = [...removed, ...changes];
  if (all.length === 0) return all;
  const texts = new Set(yield* mapped([...before.values(), ...after.values()], textOf));
  for (let index = 0; index < next.length; index++) {
    if (index % 1024 === 1023) yield;
    if (index === start) index = nextEnd;
    const child = next[index];
    if (child !== undefined && texts.has(textOf(child))) return undefined;
  }
  return all;
}

/**
 * Where two lists begin and end to differ: `[start, end in former, end in next]`. In a folder of many thousands, such as that of the
 * users, few differ.
 */
function differingRange(
  former: readonly ConfigNode[],
  next: readonly ConfigNode[],
): [start: number, formerEnd: number, nextEnd: number] {
  let start = 0;
  let formerEnd = former.length;
  let nextEnd = next.length;
  while (start < formerEnd && start < nextEnd && former[start] === next[start]) start++;
  while (formerEnd > start && nextEnd > start && former[formerEnd - 1] === next[nextEnd - 1]) {
    formerEnd--;
    nextEnd--;
  }
  return [start, formerEnd, nextEnd];
}

function* changesOf(
  former: ConfigFolder | ConfigItem,
  next: ConfigFolder | ConfigItem,
  path: readonly string[],
  most: number,
): Steps<ConfigChange[]> {
  if (former.kind === "folder" && next.kind === "folder") {
    return (yield* differences(former, next, [...path, next.name], most)) ?? [{ path, put: next }];
  }
  const isSame =
    former.kind === "item" &&
    next.kind === "item" &&
    former.type === next.type &&
    former.value === next.value;
  return isSame ? [] : [{ path, put: next }];
}

interface OpenFolder {
  readonly name: string;
  /** In their order: a key that is set again keeps its place. The second of one name has its index for a key. */
  readonly children: Map<string | number, ConfigNode | OpenFolder>;
}

/**
 * The document with changes, in their order.
 *
 * @throws {ConfigChangeError} when a folder of a path is not there
 */
export function withChanges(document: ConfigDocument, changes: Iterable<ConfigChange>): ConfigDocument {
  const root = opened(document.root);
  for (const change of changes) {
    let folder = root;
    for (const name of change.path) folder = openedChild(folder, name, change.path);
    if ("put" in change) folder.children.set(keyOf(change.put), change.put);
    else folder.children.delete(keyOf(change.remove));
  }
  return { ...document, root: closed(root, 0) };
}

function openedChild(folder: OpenFolder, name: string, path: readonly string[]): OpenFolder {
  const key = keyOf({ kind: "folder", name });
  const child = folder.children.get(key);
  if (child === undefined) throw new ConfigChangeError(`there is no folder ${path.join("/")}`);
  if (!("kind" in child)) return child;
  const open = opened(child as ConfigFolder);
  folder.children.set(key, open);
  return open;
}

/** Only the first of several children of one name can be meant by a change. */
function opened(folder: ConfigFolder): OpenFolder {
  const children = new Map<string | number, ConfigNode>();
  folder.children.forEach((child, index) => {
    const key = keyOf(child);
    children.set(children.has(key) ? index : key, child);
  });
  return { name: folder.name, children };
}

/** @param depth folders that it is in */
function closed({ name, children }: OpenFolder, depth: number): ConfigFolder {
  const closedChild = (child: ConfigNode | OpenFolder): ConfigNode => {
    const node = "kind" in child ? child : closed(child, depth + 1);
    return node.kind === "folder" ? TextFolder.inList(node, children.size, depth + 1) : node;
  };
  return { kind: "folder", name, children: Array.from(children.values(), closedChild) };
}

/** Undefined when two have one key. */
function* byKey(children: readonly ConfigNode[]): Steps<ReadonlyMap<string, ConfigNode> | undefined> {
  const map = new Map<string, ConfigNode>();
  let looks = 0;
  for (const child of children) {
    if (++looks % valuesPerStep === 0) yield;
    map.set(keyOf(child), child);
  }
  return map.size === children.length ? map : undefined;
}

/** What tells a node from most others: two of one key have one text. */
function textOf(node: ConfigNode): string {
  return node.kind === "comment" ? node.text : node.name;
}

function keyOf(
  node: Pick<ConfigFolder | ConfigItem, "kind" | "name"> | Pick<ConfigComment, "kind" | "text">,
): string {
  return node.kind === "comment" ? `#${node.text}` : `${node.kind === "folder" ? "/" : "="}${node.name}`;
}
