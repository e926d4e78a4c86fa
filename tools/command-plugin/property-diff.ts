import { equal, isList, isMap, plain, type Value, type ValueMap } from "./property-values.ts";

export type DiffKind = "add" | "delete" | "update";

/**
 * The changes between two sets of properties, by the path of each.
 *
 * A value that is secret and unknown at once counts as unchanged, as in the official program.
 */
export function diffProperties(olds: ValueMap, news: ValueMap): Map<string, DiffKind> {
  const changes = new Map<string, DiffKind>();
  collectMap("", olds, news, changes);
  return changes;
}

function collectMap(path: string, olds: ValueMap, news: ValueMap, changes: Map<string, DiffKind>): void {
  for (const [key, old] of olds) {
    const value = news.get(key);
    if (value === undefined) changes.set(pathTo(path, key), "delete");
    else if (!isOpaque(value)) collect(pathTo(path, key), old, value, changes);
  }
  for (const [key, value] of news) {
    if (!olds.has(key) && !isOpaque(value)) changes.set(pathTo(path, key), "add");
  }
}

function collect(path: string, old: Value, value: Value, changes: Map<string, DiffKind>): void {
  const open = !old.secret && !old.unknown && !value.secret && !value.unknown;
  if (open && isList(old.data) && isList(value.data)) {
    const length = Math.max(old.data.length, value.data.length);
    for (let index = 0; index < length; index++) {
      const [a, b] = [old.data[index], value.data[index]];
      if (a === undefined) changes.set(`${path}[${index}]`, "add");
      else if (b === undefined) changes.set(`${path}[${index}]`, "delete");
      else collect(`${path}[${index}]`, a, b, changes);
    }
  } else if (open && isMap(old.data) && isMap(value.data)) {
    collectMap(path, old.data, value.data, changes);
  } else if (!equal(old, value)) {
    changes.set(path, isNull(old) ? "add" : isNull(value) ? "delete" : "update");
  }
}

function isOpaque(value: Value): boolean {
  return value.secret && value.unknown;
}

function isNull(value: Value): boolean {
  return equal(value, plain(null));
}

function pathTo(parent: string, key: string): string {
  if (!/^[A-Za-z0-9_]*$/.test(key)) return `${parent}["${key.replaceAll('"', '\\"')}"]`;
  return parent === "" ? key : `${parent}.${key}`;
}
