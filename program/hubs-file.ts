import { ArgumentError } from "../components/arguments/argument-error.ts";
import { describeValue, isObject } from "../components/arguments/argument-kind.ts";
import { hubProblems } from "../components/arguments/desired-hubs.ts";
import { readConfigFile } from "./config-file.ts";
import { JsonTextError, parseJsonText } from "./json-text.ts";

/** Hubs, and what they come from in messages. */
export interface HubsSource {
  /** Such as `vpnserver:hubs`, or `vpnserver:hubsFile "hubs.json"`. */
  readonly name: string;
  readonly hubs: readonly unknown[];
}

/**
 * Reads hubs from a file of JSON: a list of hubs, or an object whose `hubs` is one.
 *
 * @throws ArgumentError with everything that is wrong, and no content of the file
 */
export function readHubsFile(key: string, path: string, root: string): HubsSource {
  const name = `${key} ${JSON.stringify(path)}`;
  const text = readConfigFile(key, path, root);
  const hubs = hubsIn(text, name);
  const problems = hubProblems(hubs);
  if (problems.length > 0) throw new ArgumentError(problems.map((problem) => `${name}: ${problem}`));
  return { name, hubs };
}

function hubsIn(text: string, name: string): readonly unknown[] {
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new ArgumentError([`${name} ${text.trim() === "" ? "is empty: JSON is needed" : error.message}`]);
  }
  if (Array.isArray(value)) return value;
  const form = 'a list of hubs is needed, or an object with it: { "hubs": [ … ] }';
  if (!isObject(value))
    throw new ArgumentError([
      `${name} holds ${value === null ? "null" : describeValue(value, true)}: ${form}`,
    ]);
  const { hubs, ...others } = value;
  const names = Object.keys(others);
  if (!Array.isArray(hubs) || names.length > 0) {
    const problem =
      names.length > 0 ? `has ${names.map((other) => other.slice(0, 64)).join(", ")}` : "has no list hubs";
    throw new ArgumentError([`${name} holds an object that ${problem}: ${form}`]);
  }
  return hubs as unknown[];
}

/**
 * Puts the hubs of several sources together.
 *
 * @throws ArgumentError when two sources have hubs of the same name, whichever the case
 */
export function joinHubs(sources: readonly HubsSource[]): unknown[] {
  const owners = new Map<string, HubsSource>();
  const problems: string[] = [];
  for (const source of sources) {
    const names = source.hubs.map((hub) => (isObject(hub) ? hub["name"] : undefined));
    for (const name of names.filter((name) => typeof name === "string")) {
      const owner = owners.get(name.toLowerCase()) ?? source;
      owners.set(name.toLowerCase(), owner);
      if (owner === source) continue;
      problems.push(
        `${source.name} has the hub "${name}", which ${owner.name} has too: put it into one of them`,
      );
    }
  }
  if (problems.length > 0) throw new ArgumentError(problems);
  return sources.flatMap(({ hubs }) => hubs);
}
