import { rm } from "node:fs/promises";
import { readOwnFile } from "../platform/own-file.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";

/** What the host was like before its kernel was set up for us, to be put back later, also by `uninstall` after a crash. */
export interface ForwardingRecord {
  /** Of the boot that it is about. */
  readonly bootId: string;
  /** Whether the host forwarded. */
  readonly forwarded: boolean;
  /** Chains of others that filter or translate what is forwarded. */
  readonly chains: readonly string[];
  /** Interfaces that were there. */
  readonly interfaces: readonly string[];
}

/** Undefined when there is none, or none that can be read. */
export async function readForwardingRecord(path: string): Promise<ForwardingRecord | undefined> {
  const text = await readOwnFile(path).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { bootId, forwarded, chains, interfaces } = JSON.parse(text.toString()) as Record<string, unknown>;
    return typeof bootId === "string" && typeof forwarded === "boolean"
      ? { bootId, forwarded, chains: textsOf(chains), interfaces: textsOf(interfaces) }
      : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error as the file system has it */
export async function writeForwardingRecord(path: string, record: ForwardingRecord): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

export async function removeForwardingRecord(path: string): Promise<void> {
  await rm(path, { force: true });
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
