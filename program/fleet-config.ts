import * as pulumi from "@pulumi/pulumi";
import { ArgumentProblems } from "../components/arguments/argument-error.ts";
import {
  describeValue,
  isLeftOut,
  isObject,
  type ArgumentKind,
  type ArgumentKinds,
} from "../components/arguments/argument-kind.ts";
import { unknownNames } from "../components/arguments/argument-names.ts";
import {
  endpointKinds,
  resolveConnection,
  type SshConnectionArgs,
} from "../components/arguments/connection-arguments.ts";
import { parsePublicHost } from "../components/arguments/server-arguments.ts";
import type { AwsVpnServerArgs } from "../components/aws/aws-server-arguments.ts";
import type { AwsVpnFleetArgs } from "../components/aws/fleet/fleet-arguments.ts";
import type { VpnFleetArgs } from "../components/vpn-fleet.ts";
import { readAwsFleets, readAwsServers } from "./aws-config.ts";
import { projectRoot } from "./config-file.ts";
import {
  fileKind,
  isServerName,
  nameNeeded,
  optionKeys,
  pick,
  readOptions,
  textOrFile,
  withSecrets,
  type Members,
  type Reader,
} from "./option-keys.ts";

const endpointKeys = { ...endpointKinds, privateKeyFile: fileKind } as const satisfies ArgumentKinds;
/** What may be told of a host. */
export const hostKeys = {
  name: { type: "text" },
  ...endpointKeys,
  bastion: { type: "endpoint" },
  publicHost: { type: "text" },
  ...optionKeys,
} as const satisfies ArgumentKinds;
const fleetKeys: ArgumentKinds = {
  hosts: { type: "texts" },
  aws: { type: "endpoint" },
  awsFleets: { type: "endpoint" },
  ...optionKeys,
};

/** What the configuration asks for. */
export interface FleetSettings {
  /** The servers on hosts that there are; `undefined` when the configuration has none. */
  readonly hosts: VpnFleetArgs | undefined;
  /** The servers on AWS by their names, which no host has. */
  readonly aws: Readonly<Record<string, AwsVpnServerArgs>>;
  /** The fleets on AWS by their names, which no server has. */
  readonly awsFleets: Readonly<Record<string, AwsVpnFleetArgs>>;
}

/**
 * Reads a fleet from the stack's configuration: `vpnserver:hosts`, a list of hosts, `vpnserver:aws`, servers on AWS, `vpnserver:awsFleets`,
 * fleets there, and beside them the options that all of them share. `docs/reference/configuration.md` describes every key.
 *
 * @param config all configuration of the stack, as `pulumi.runtime.allConfig()` gives it
 * @param namespace the part before the colon: the project's name
 * @param root folder that relative paths of files begin at
 * @throws pulumi.RunError that names every key that is wrong, and what is allowed there
 */
export function fleetFromConfig(
  config: Readonly<Record<string, string>> = pulumi.runtime.allConfig(),
  namespace: string = pulumi.getProject(),
  root: string = projectRoot(),
): FleetSettings {
  const problems = new ArgumentProblems();
  const values: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(config)) {
    const name = key.slice(namespace.length + 1);
    if (key.startsWith(`${namespace}:`)) values[name] = parseValue(text, fleetKeys[name]);
  }
  problems.add(...unknownNames(values, fleetKeys, `${namespace}:`));
  const { hosts, aws, awsFleets, ...common } = values;
  const reader = { root, problems };
  const options = readOptions(common, `${namespace}:`, reader);
  const servers: VpnFleetArgs["servers"] = {};
  if (Array.isArray(hosts) && hosts.length > 0) {
    hosts.forEach((host, index) => addHost(servers, host, `hosts[${index}]`, reader));
  } else if (!isLeftOut(hosts) || (isLeftOut(aws) && isLeftOut(awsFleets))) {
    problems.add(
      `${namespace}:hosts is ${describeValue(hosts)}: a list with at least one host is needed. For example:\n` +
        `      pulumi config set --path '${namespace}:hosts[0].name' office\n` +
        `      pulumi config set --path '${namespace}:hosts[0].host' 203.0.113.5\n` +
        `      pulumi config set --path '${namespace}:hosts[0].hostKey' "$(ssh-keyscan -t ed25519 203.0.113.5)"\n` +
        `      pulumi config set --path '${namespace}:hosts[0].privateKeyFile' '~/.ssh/id_ed25519'`,
    );
  }
  const taken = new Map(Object.keys(servers).map((name) => [name, "a host"]));
  const surroundings = { namespace, common: options, taken };
  const awsServers = readAwsServers(aws, surroundings, reader);
  for (const name of Object.keys(awsServers)) taken.set(name, "a server of aws");
  const fleets = readAwsFleets(awsFleets, surroundings, reader);
  const list = [...new Set(problems.list)];
  if (list.length > 0) {
    throw new pulumi.RunError(
      `the configuration of this stack has ${list.length === 1 ? "a problem" : `${list.length} problems`}:\n` +
        list.map((problem) => `  - ${problem}`).join("\n"),
    );
  }
  return {
    hosts: Object.keys(servers).length === 0 ? undefined : { servers, ...options },
    aws: awsServers,
    awsFleets: fleets,
  };
}

/** Configuration arrives as text: lists and objects as JSON, other values as they are. */
function parseValue(text: string, kind: ArgumentKind | undefined): unknown {
  // A password of digits is no number.
  if (kind?.type === "text" || kind?.type === "path" || kind?.type === "choice") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function addHost(servers: VpnFleetArgs["servers"], value: unknown, path: string, reader: Reader): void {
  const { problems } = reader;
  if (!isObject(value)) {
    problems.add(`${path} is ${describeValue(value)}: an object with name, host and hostKey is needed`);
    return;
  }
  problems.add(...unknownNames(value, hostKeys, `${path}.`));
  const { name, publicHost } = value;
  const named = isServerName(name);
  if (!named) {
    problems.add(`${path}.name is ${describeValue(name)}: ${nameNeeded}`);
  } else if (Object.hasOwn(servers, name)) {
    problems.add(`${path}.name is "${name}", which another host has already: give each its own`);
  }
  if (!isLeftOut(publicHost)) problems.collect(() => parsePublicHost(`${path}.publicHost`, publicHost));
  const server = {
    ...readOptions(value, `${path}.`, reader),
    ...(!isLeftOut(publicHost) && { publicHost: publicHost as string }),
    connection: readConnection(value, path, reader),
  };
  if (named) servers[name] = server;
}

/** The connection of a host, whose keys stand beside the others. */
function readConnection(host: Members, path: string, reader: Reader): SshConnectionArgs {
  const { problems } = reader;
  const { bastion } = host;
  const own = readEndpoint(host, path, reader);
  const far = isObject(bastion) ? readEndpoint(bastion, `${path}.bastion`, reader) : undefined;
  if (isObject(bastion)) problems.add(...unknownNames(bastion, endpointKeys, `${path}.bastion.`));
  const checked = { ...own.checked, bastion: far?.checked ?? bastion };
  problems.collect(() => resolveConnection(checked, process.env, path));
  return {
    ...withSecrets(own.given, endpointKinds),
    ...(far && { bastion: withSecrets(far.given, endpointKinds) }),
  } as unknown as SshConnectionArgs;
}

interface EndpointKeys {
  readonly given: Members;
  /** The same with something to log in with in place of a key file that cannot be read, which is a problem of its own. */
  readonly checked: Members;
}

function readEndpoint(keys: Members, path: string, reader: Reader): EndpointKeys {
  const { privateKeyFile } = keys;
  const privateKey = textOrFile(keys, "privateKey", "privateKeyFile", `${path}.`, reader);
  const given = { ...pick(keys, endpointKinds), ...(privateKey !== undefined && { privateKey }) };
  const unreadable = privateKey === undefined && !isLeftOut(privateKeyFile);
  return { given, checked: unreadable ? { ...given, password: "stands in" } : given };
}
