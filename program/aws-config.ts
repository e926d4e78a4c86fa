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
const { privateKey: _certificateKey, ...argumentKinds } = awsServerKinds;
/** What may be told of a server on AWS. */
export const awsServerKeys = { ...argumentKinds, ...optionKeys } as const satisfies ArgumentKinds;

const ownKinds: ArgumentKinds = Object.fromEntries(
  Object.entries(argumentKinds).filter(([name]) => !Object.hasOwn(optionKinds, name)),
);

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

/** What is beside the servers on AWS. */
interface Surroundings {
  readonly namespace: string;
  /** The options for all servers. */
  readonly common: VpnServerOptions;
  /** The servers on hosts by their names. */
  readonly hosts: Readonly<Record<string, unknown>>;
}

/** Reads the servers of `vpnserver:aws`, each with the options for all where it has none of its own. */
export function readAwsServers(
  value: unknown,
  { namespace, common, hosts }: Surroundings,
  reader: Reader,
): Record<string, AwsVpnServerArgs> {
  const { problems } = reader;
  if (isLeftOut(value)) return {};
  if (!isObject(value) || Object.keys(value).length === 0) {
    problems.add(
      `${namespace}:aws is ${isObject(value) ? "an empty object" : describeValue(value)}: an object of servers by their names is needed. ` +
        `For example:\n      pulumi config set --path '${namespace}:aws.edge.sshFrom[0]' "$(curl -s https://checkip.amazonaws.com)/32"`,
    );
    return {};
  }
  const shared = Object.fromEntries(
    Object.entries(common).filter(([name]) => !(optionsOfHosts as readonly string[]).includes(name)),
  );
  const servers: Record<string, AwsVpnServerArgs> = {};
  for (const [name, keys] of Object.entries(value)) {
    const path = `aws.${name}`;
    if (!isServerName(name)) {
      problems.add(`aws has a server of the name ${describeValue(name)}: ${nameNeeded}`);
    } else if (Object.hasOwn(hosts, name)) {
      problems.add(`${path} has the name of a host: give each its own`);
    }
    if (isObject(keys)) servers[name] = readServer(keys, path, shared, reader);
    else problems.add(`${path} is ${describeValue(keys)}: an object with sshFrom is needed`);
  }
  return servers;
}

function readServer(keys: Members, path: string, shared: VpnServerOptions, reader: Reader): AwsVpnServerArgs {
  const { problems } = reader;
  const prefix = `${path}.`;
  problems.add(...unknownNames(keys, awsServerKeys, prefix));
  const { users } = keys;
  const options = readOptions(keys, prefix, reader);
  const own = pick(keys, ownKinds);
  const told = { ...own, ...pick(keys, optionKinds), ...(options.hubs && { hubs: [] }) };
  problems.add(...argumentProblems(told).map((problem) => prefix + problem), ...userProblems(users, prefix));
  const { hubs: sharedHubs, ...others } = shared;
  return {
    ...others,
    ...(sharedHubs !== undefined && isLeftOut(users) && { hubs: sharedHubs }),
    ...options,
    ...withSecrets(own, ownKinds),
  } as unknown as AwsVpnServerArgs;
}

/** What the component itself would say of its arguments. */
function argumentProblems(args: object): readonly string[] {
  try {
    checkAwsArguments(args);
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
