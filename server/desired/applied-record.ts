import { readOwnFile } from "../platform/own-file.ts";
import { writeFileAtomically } from "../platform/atomic-file.ts";
import { fileProblemOf } from "../error-words.ts";
import { ServerError } from "../errors.ts";
import { parseJsonInSteps } from "../json/json-text.ts";
import { sortedInSteps } from "../long-lists.ts";
import { mapped, turns, type Steps } from "../turns.ts";

/** What `apply` made, so that it takes away what is no longer desired, and nothing else. Names only. */
export interface AppliedRecord {
  /** By name in lower case. */
  readonly hubs: ReadonlyMap<string, AppliedHub>;
}

export interface AppliedHub {
  /** The hub was not there before. */
  readonly created: boolean;
  /** Names in lower case. */
  readonly users: ReadonlySet<string>;
  /** Names in lower case. */
  readonly groups: ReadonlySet<string>;
  /** Settings of the hub itself, such as `message` and `options.NoEnum`. */
  readonly settings: ReadonlySet<string>;
}

/** Each may have thousands of users. */
const hubsPerStep = 1;

export const emptyRecord: AppliedRecord = { hubs: new Map() };

/**
 * Reads the record; one that is not there is empty.
 *
 * @throws {ServerError} STATE_INVALID when it cannot be read
 */
export async function readAppliedRecord(path: string): Promise<AppliedRecord> {
  try {
    return await turns.run(recordFrom(await readOwnFile(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return emptyRecord;
    const why = error instanceof SyntaxError ? "it is not in JSON" : (error as Error).message;
    throw new ServerError(
      "STATE_INVALID",
      `cannot read ${path}, which tells what was applied before: ${why}; remove the file to go on: what is no longer desired then stays`,
      { cause: error },
    );
  }
}

function* recordFrom(bytes: Buffer): Steps<AppliedRecord> {
  const value = yield* parseJsonInSteps(bytes);
  const hubs = (value as { hubs?: unknown } | null)?.hubs;
  if (typeof hubs !== "object" || hubs === null) throw new Error("it has no hubs");
  const entries = yield* mapped(
    Object.entries(hubs) as [string, Partial<Record<keyof AppliedHub, unknown>>][],
    ([name, hub]) => {
      const names = (key: "users" | "groups" | "settings") => {
        const list = hub[key];
        if (!Array.isArray(list)) throw new Error(`it has no ${key} of hub ${name}`);
        return new Set(list.map(String));
      };
      const applied: AppliedHub = {
        created: hub.created === true,
        users: names("users"),
        groups: names("groups"),
        settings: names("settings"),
      };
      return [name, applied] as const;
    },
    hubsPerStep,
  );
  return { hubs: new Map(entries) };
}

/** @throws {ServerError} STATE_INVALID when it cannot be written */
export async function writeAppliedRecord(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomically(path, text, { mode: 0o600 });
  } catch (error) {
    throw new ServerError("STATE_INVALID", `cannot write ${path}: ${fileProblemOf(error, path)}`, {
      cause: error,
    });
  }
}

/** The text of its file, a line for each hub. */
export function* formatRecord(record: AppliedRecord): Steps<string> {
  const lines: string[] = [];
  for (const [name, { created, users, groups, settings }] of record.hubs) {
    const lists = {
      users: yield* sortedInSteps(users, byCode),
      groups: yield* sortedInSteps(groups, byCode),
      settings: yield* sortedInSteps(settings, byCode),
    };
    lines.push(`${JSON.stringify(name)}:${JSON.stringify({ created, ...lists })}`);
    yield;
  }
  return `{"hubs":{\n${lines.join(",\n")}\n}}\n`;
}

/** As `Array.prototype.sort` has texts. */
function byCode(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** What one of the two holds: right whether or not the change between them came to pass. */
export function* bothRecords(one: AppliedRecord, other: AppliedRecord): Steps<AppliedRecord> {
  const names = new Set([...one.hubs.keys(), ...other.hubs.keys()]);
  const bothOf = (name: string): [string, AppliedHub] => {
    const first = one.hubs.get(name);
    const second = other.hubs.get(name);
    const both = (key: "users" | "groups" | "settings") =>
      new Set([...(first?.[key] ?? []), ...(second?.[key] ?? [])]);
    return [
      name,
      {
        created: (first ?? second)?.created ?? false,
        users: both("users"),
        groups: both("groups"),
        settings: both("settings"),
      },
    ];
  };
  return { hubs: new Map(yield* mapped(names, bothOf, hubsPerStep)) };
}
