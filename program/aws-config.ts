import { ArgumentError } from "../components/arguments/argument-error.ts";
import {
  describeValue,
  isLeftOut,
  isObject,
  type ArgumentKinds,
} from "../components/arguments/argument-kind.ts";
import { unknownNames } from "../components/arguments/argument-names.ts";
import { hubProblems } from "../components/arguments/desired-hubs.ts";
import { optionKinds, type VpnServerOptions } from "../components/arguments/server-arguments.ts";
import {
  awsServerKinds,
  checkAwsArguments,
  type AwsVpnServerArgs,
} from "../components/aws/aws-server-arguments.ts";
import {
  awsFleetKinds,
  checkFleetArguments,
  type AwsVpnFleetArgs,
} from "../components/aws/fleet/fleet-arguments.ts";
import {
  isServerName,
  nameNeeded,
  optionKeys,
  pick,
  readOptions,
  withSecrets,
  type Members,
  type Reader,
} from "./option-keys.ts";

// Beside options of a server, whose keys may name files, an argument of the component is a key of the same name.
const { privateKey: _serverKey, ...serverArguments } = awsServerKinds;
const { privateKey: _fleetKey, ...fleetArguments } = awsFleetKinds;
/** What may be told of a server on AWS. */
export const awsServerKeys = { ...serverArguments, ...optionKeys } as const satisfies ArgumentKinds;
/** What may be told of a fleet on AWS. */
export const awsFleetKeys = {
  ...fleetArguments,
  certificateKey: optionKeys.certificateKey,
  certificateFile: optionKeys.certificateFile,
  certificateKeyFile: optionKeys.certificateKeyFile,
  hubsFile: optionKeys.hubsFile,
  hubsFiles: optionKeys.hubsFiles,
} as const satisfies ArgumentKinds;

/** Options for all servers that tell of a host that was there before, or of how it is left; an instance of one's own needs none. */
const optionsOfHosts = [
  "mode",
  "importFrom",
  "adopt",
  "directory",
  "stateDirectory",
  "uninstallOnDestroy",
  "purgeStateOnDestroy",
] as const satisfies readonly (keyof VpnServerOptions)[];

/** A key of the configuration with things on AWS by their names, each the arguments of a component. */
interface AwsKey {
  readonly name: "aws" | "awsFleets";
  /** One of them, and several, for messages. */
  readonly one: string;
  readonly several: string;
  /** What an object with the least that is needed has, for messages. */
  readonly least: string;
  /** A command that sets one. */
  readonly example: (namespace: string) => string;
  readonly keys: ArgumentKinds;
  /** The component's arguments that are no options of a server. */
  readonly ownKinds: ArgumentKinds;
  /** Names of which the component itself says why it does not take them. */
  readonly refused: ArgumentKinds;
  /** Whether it takes an option that is set for all servers. */
  readonly takes: (option: string) => boolean;
  /** @throws ArgumentError as the component does */
  readonly check: (args: object) => void;
}

const serverKey: AwsKey = {
  name: "aws",
  one: "a server",
  several: "servers",
  least: "with sshFrom",
  example: (namespace) => `'${namespace}:aws.edge.sshFrom[0]' "$(curl -s https://checkip.amazonaws.com)/32"`,
  keys: awsServerKeys,
  ownKinds: withoutOptions(serverArguments),
  refused: {},
  takes: (option) => !(optionsOfHosts as readonly string[]).includes(option),
  check: checkAwsArguments,
};

const fleetKey: AwsKey = {
  name: "awsFleets",
  one: "a fleet",
  several: "fleets",
  least: "such as { minInstances: 2 }",
  example: (namespace) => `'${namespace}:awsFleets.exit.minInstances' 2`,
  keys: awsFleetKeys,
  ownKinds: withoutOptions(fleetArguments),
  refused: { sshFrom: { type: "texts" }, connection: { type: "endpoint" }, importFrom: { type: "text" } },
  takes: (option) => Object.hasOwn(awsFleetKinds, option),
  check: checkFleetArguments,
};

function withoutOptions(kinds: ArgumentKinds): ArgumentKinds {
  return Object.fromEntries(Object.entries(kinds).filter(([name]) => !Object.hasOwn(optionKinds, name)));
}

/** What is beside them in the configuration. */
interface Surroundings {
  readonly namespace: string;
  /** The options for all servers. */
  readonly common: VpnServerOptions;
  /** Names that are taken, and what has each. */
  readonly taken: ReadonlyMap<string, string>;
}

/** Reads the servers of `vpnserver:aws`, each with the options for all where it has none of its own. */
export function readAwsServers(
  value: unknown,
  surroundings: Surroundings,
  reader: Reader,
): Record<string, AwsVpnServerArgs> {
  return readKey(serverKey, value, surroundings, reader) as Record<string, unknown> as Record<
    string,
    AwsVpnServerArgs
  >;
}

/** Reads the fleets of `vpnserver:awsFleets`, each with those of the options for all that it takes. */
export function readAwsFleets(
  value: unknown,
  surroundings: Surroundings,
  reader: Reader,
): Record<string, AwsVpnFleetArgs> {
  return readKey(fleetKey, value, surroundings, reader);
}

function readKey(
  key: AwsKey,
  value: unknown,
  { namespace, common, taken }: Surroundings,
  reader: Reader,
): Record<string, object> {
  const { problems } = reader;
  if (isLeftOut(value)) return {};
  if (!isObject(value) || Object.keys(value).length === 0) {
    problems.add(
      `${namespace}:${key.name} is ${isObject(value) ? "an empty object" : describeValue(value)}: an object of ${key.several} by their names ` +
        `is needed. For example:\n      pulumi config set --path ${key.example(namespace)}`,
    );
    return {};
  }
  const shared = Object.fromEntries(Object.entries(common).filter(([name]) => key.takes(name)));
  const read: Record<string, object> = {};
  for (const [name, keys] of Object.entries(value)) {
    const path = `${key.name}.${name}`;
    const owner = taken.get(name);
    if (!isServerName(name)) {
      problems.add(`${key.name} has ${key.one} of the name ${describeValue(name)}: ${nameNeeded}`);
    } else if (owner !== undefined) {
      problems.add(`${path} has the name of ${owner}: give each its own`);
    }
    if (isObject(keys)) read[name] = readOne(key, keys, path, shared, reader);
    else problems.add(`${path} is ${describeValue(keys)}: an object ${key.least} is needed`);
  }
  return read;
}

function readOne(key: AwsKey, keys: Members, path: string, shared: VpnServerOptions, reader: Reader): object {
  const { problems } = reader;
  const prefix = `${path}.`;
  problems.add(...unknownNames(keys, { ...key.keys, ...key.refused }, prefix));
  const { users } = keys;
  const known = pick(keys, key.keys);
  const options = readOptions(known, prefix, reader);
  const own = pick(keys, key.ownKinds);
  const told = {
    ...own,
    ...pick(keys, key.refused),
    ...pick(known, optionKinds),
    ...(options.hubs && { hubs: [] }),
  };
  problems.add(
    ...argumentProblems(key, told).map((problem) => prefix + problem),
    ...userProblems(users, prefix),
  );
  const { hubs: sharedHubs, ...others } = shared;
  return {
    ...others,
    ...(sharedHubs !== undefined && isLeftOut(users) && { hubs: sharedHubs }),
    ...options,
    ...withSecrets(own, key.ownKinds),
  };
}

/** What the component itself would say of its arguments. */
function argumentProblems({ check }: AwsKey, args: object): readonly string[] {
  try {
    check(args);
    return [];
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    return error.problems;
  }
}

/** Users without a hub are those of the hub that there is from the beginning. */
function userProblems(users: unknown, prefix: string): string[] {
  if (!Array.isArray(users)) return [];
  return hubProblems([{ name: "DEFAULT", users }]).map(
    (problem) => prefix + problem.replace(/^hubs\[0\]\./, ""),
  );
}
