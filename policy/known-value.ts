import { UnknownValueError } from "@pulumi/policy";

/** What a preview cannot know yet. The update asks again, before the resource is made. */
export const unknown = Symbol("unknown");

/** Reads a property of a resource: the SDK of policies throws where one is not known yet. */
export function look<T>(read: () => T): T | typeof unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnknownValueError) return unknown;
    throw error;
  }
}

type Members = Readonly<Record<string, unknown>>;

/** A property that may be anything, as an object; an empty one where it is something else or not known. */
export function membersOf(read: () => unknown): Members {
  const value = look(read);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

/** A property that may be anything, as a list; an empty one where it is something else or not known. */
export function listOf(read: () => unknown): readonly unknown[] {
  const value = look(read);
  return Array.isArray(value) ? value : [];
}

/** A property as a text; `undefined` where it is something else or not known. */
export function textOf(read: () => unknown): string | undefined {
  const value = look(read);
  return typeof value === "string" ? value : undefined;
}
