/** A configuration as a tree of folders and typed items. Nobody changes it: a change makes new folders and shares all others. */
export interface ConfigDocument {
  /** Lines before the root, comments and blank ones, without their line ends. */
  readonly header: readonly string[];
  readonly root: ConfigFolder;
}

/**
 * It may be a {@link TextFolder}, which has no children of its own until it is asked: `{ ...folder }` has none then, so that others are
 * made of it by {@link withChildren} and {@link named}.
 */
export interface ConfigFolder {
  readonly kind: "folder";
  readonly name: string;
  readonly children: readonly ConfigNode[];
}

export interface ConfigItem {
  readonly kind: "item";
  /** `bool`, `uint`, `uint64`, `string`, `byte` (base64), or one that this version does not know. */
  readonly type: string;
  readonly name: string;
  /** The value's text with escapes resolved. */
  readonly value: string;
}

/** A line of a folder that begins with `#`. */
export interface ConfigComment {
  readonly kind: "comment";
  readonly text: string;
}

export type ConfigNode = ConfigFolder | ConfigItem | ConfigComment;

/** Whether two names of folders or items are the same: without regard to case (`Mayaqua/Cfg.c` CmpItemName, CmpFolderName). */
export function isSameName(one: string, other: string): boolean {
  return one === other || (one.length === other.length && one.toLowerCase() === other.toLowerCase());
}

/** The first folder of that name. */
export function findFolder(folder: Pick<ConfigFolder, "children">, name: string): ConfigFolder | undefined {
  return folder.children.find((child) => child.kind === "folder" && isSameName(child.name, name)) as
    ConfigFolder | undefined;
}

/** The first item of that type and name. */
export function findItem(
  folder: Pick<ConfigFolder, "children">,
  type: "bool" | "uint" | "uint64" | "string" | "byte",
  name: string,
): ConfigItem | undefined {
  return folder.children.find(
    (child) => child.kind === "item" && child.type === type && isSameName(child.name, name),
  ) as ConfigItem | undefined;
}

/** `folder` with other children. */
export function withChildren(
  { name }: Pick<ConfigFolder, "name">,
  children: readonly ConfigNode[],
): ConfigFolder {
  return { kind: "folder", name, children };
}

/** `folder` with `child` in the place of the folder or item of that name, which keeps its case, or at its end. */
export function withChild(folder: ConfigFolder, child: ConfigFolder | ConfigItem): ConfigFolder {
  const children = [...folder.children];
  const index = children.findIndex(
    (other) => other.kind === child.kind && isSameName(other.name, child.name),
  );
  const former = children[index];
  if (former === undefined || former.kind === "comment") children.push(child);
  else children[index] = child.kind === "item" ? { ...child, name: former.name } : named(child, former.name);
  return withChildren(folder, children);
}

/** `folder` by another name. */
export function named(folder: Omit<ConfigFolder, "name">, name: string): ConfigFolder {
  if ("named" in folder) return (folder as Renamable).named(name);
  return { kind: "folder", name, children: folder.children };
}

/** A folder that can have another name without being looked into. */
export interface Renamable extends ConfigFolder {
  named(name: string): ConfigFolder;
}
