import { readFileSync } from "node:fs";

/**
 * Whether the first process of this host, or of this container, has one of these names. Where it is hidden from this user (proc(5),
 * hidepid) nothing speaks against it.
 */
export function isFirstProcess(names: readonly string[]): boolean {
  const name = firstProcessName();
  return name === undefined || names.includes(name);
}

/** Name of the first process's command; `undefined` when it is hidden from this user. */
export function firstProcessName(): string | undefined {
  try {
    return readFileSync("/proc/1/comm", "utf8").trim();
  } catch {
    return undefined;
  }
}
