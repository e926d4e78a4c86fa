import * as pulumi from "@pulumi/pulumi";
import { ArgumentProblems } from "../components/arguments/argument-error.ts";
import {
  describeValue,
  isLeftOut,
  isObject,
  kindProblems,
  type ArgumentKind,
  type ArgumentKinds,
} from "../components/arguments/argument-kind.ts";
import { unknownNames } from "../components/arguments/argument-names.ts";
import {
  endpointKinds,
  resolveConnection,
  type SshConnectionArgs,
} from "../components/arguments/connection-arguments.ts";
import { hubProblems } from "../components/arguments/desired-hubs.ts";
import {
  checkAdminPassword,
  optionKinds,
  optionProblems,
  parsePublicHost,
  type VpnServerOptions,
} from "../components/arguments/server-arguments.ts";
import { resolveCertificate } from "../components/arguments/server-certificate.ts";
import type { VpnFleetArgs } from "../components/vpn-fleet.ts";
import { projectRoot, readConfigFile } from "./config-file.ts";
import { joinHubs, readHubsFile, type HubsSource } from "./hubs-file.ts";

type Members = Readonly<Record<string, unknown>>;

// The keys are the arguments of the components, so that none can be forgotten here. Beside a host's keys stand those of its
// connection, whose privateKey is another than that of the certificate; and a file may stand for what is long.
const { privateKey: certificateKey, ...optionsOfTheSameName } = optionKinds;
const file = { type: "text" } as const;
const optionKeys = {
  ...optionsOfTheSameName,
  certificateKey,
  certificateFile: file,
  certificateKeyFile: file,
  hubsFile: file,
  hubsFiles: { type: "texts" },
} as const satisfies ArgumentKinds;
const endpointKeys = { ...endpointKinds, privateKeyFile: file } as const satisfies ArgumentKinds;
/** What may be told of a host. */
export const hostKeys = {
  name: { type: "text" },
  ...endpointKeys,
  bastion: { type: "endpoint" },
  publicHost: { type: "text" },
  ...optionKeys,
} as const satisfies ArgumentKinds;
const fleetKeys: ArgumentKinds = { hosts: { type: "texts" }, ...optionKeys };

/** Name of a host: it becomes part of resource names. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/**
 * Reads a fleet from the stack's configuration: `vpnserver:hosts`, a list of hosts, and beside it the options that all
 * of them share. `docs/reference/configuration.md` describes every key.
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
): VpnFleetArgs {
  const problems = new ArgumentProblems();
  const values: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(config)) {
    const name = key.slice(namespace.length + 1);
    if (key.startsWith(`${namespace}:`)) values[name] = parseValue(text, fleetKeys[name]);
  }
  problems.add(...unknownNames(values, fleetKeys, `${namespace}:`));
  const { hosts, ...common } = values;
  const reader = { root, problems };
  const options = readOptions(common, `${namespace}:`, reader);
  const servers: VpnFleetArgs["servers"] = {};
  if (!Array.isArray(hosts) || hosts.length === 0) {
    problems.add(
      `${namespace}:hosts is ${describeValue(hosts)}: a list with at least one host is needed. For example:\n` +
        `      pulumi config set --path '${namespace}:hosts[0].name' office\n` +
        `      pulumi config set --path '${namespace}:hosts[0].host' 203.0.113.5\n` +
        `      pulumi config set --path '${namespace}:hosts[0].hostKey' "$(ssh-keyscan -t ed25519 203.0.113.5)"\n` +
        `      pulumi config set --path '${namespace}:hosts[0].privateKeyFile' '~/.ssh/id_ed25519'`,
    );
  } else {
    hosts.forEach((host, index) => addHost(servers, host, `hosts[${index}]`, reader));
  }
  const { list } = problems;
  if (list.length > 0) {
    throw new pulumi.RunError(
      `the configuration of this stack has ${list.length === 1 ? "a problem" : `${list.length} problems`}:\n` +
        list.map((problem) => `  - ${problem}`).join("\n"),
    );
  }
  return { servers, ...options };
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

/** Where files are, and where problems go. */
interface Reader {
  readonly root: string;
  readonly problems: ArgumentProblems;
}

function addHost(servers: VpnFleetArgs["servers"], value: unknown, path: string, reader: Reader): void {
  const { problems } = reader;
  if (!isObject(value)) {
    problems.add(`${path} is ${describeValue(value)}: an object with name, host and hostKey is needed`);
    return;
  }
  problems.add(...unknownNames(value, hostKeys, `${path}.`));
  const { name, publicHost } = value;
  const named = typeof name === "string" && namePattern.test(name);
  if (!named) {
    const needed = 'a name of up to 63 letters, digits, "-" and "_" is needed';
    problems.add(`${path}.name is ${describeValue(name)}: ${needed}`);
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

/** Reads and checks the options of all hosts or of one. */
function readOptions(keys: Members, prefix: string, reader: Reader): VpnServerOptions {
  const { problems } = reader;
  const { adminPassword } = keys;
  problems.add(...optionProblems(keys, prefix));
  const passwordProblem = checkAdminPassword(adminPassword, `${prefix}adminPassword`);
  if (passwordProblem !== undefined) problems.add(passwordProblem);
  const pair = {
    certificate: textOrFile(keys, "certificate", "certificateFile", prefix, reader),
    privateKey: textOrFile(keys, "certificateKey", "certificateKeyFile", prefix, reader),
  };
  const paths = { certificate: `${prefix}certificate`, privateKey: `${prefix}certificateKey` };
  const hubs = readHubs(keys, prefix, reader);
  const options = {
    ...pick(keys, optionsOfTheSameName),
    ...problems.collect(() => resolveCertificate(pair, paths)),
    ...(hubs && { hubs }),
  };
  return withSecrets(options, optionKinds);
}

/** The hubs of the configuration itself and of the files that it names, put together. */
function readHubs(keys: Members, prefix: string, { root, problems }: Reader): unknown[] | undefined {
  const { hubs, hubsFile, hubsFiles } = keys;
  problems.add(
    ...hubProblems(hubs).map((problem) => prefix + problem),
    ...kindProblems(`${prefix}hubsFile`, hubsFile, optionKeys.hubsFile),
    ...kindProblems(`${prefix}hubsFiles`, hubsFiles, optionKeys.hubsFiles),
  );
  const listed: unknown[] = Array.isArray(hubsFiles) ? hubsFiles : [];
  const files = [
    { key: `${prefix}hubsFile`, path: hubsFile },
    ...listed.map((path, index) => ({ key: `${prefix}hubsFiles[${index}]`, path })),
  ];
  const sources = [
    ...(Array.isArray(hubs) ? [{ name: `${prefix}hubs`, hubs }] : []),
    ...files.flatMap(({ key, path }): HubsSource[] => {
      const source =
        typeof path === "string" && path !== ""
          ? problems.collect(() => readHubsFile(key, path, root))
          : undefined;
      return source === undefined ? [] : [source];
    }),
  ];
  return sources.length === 0 ? undefined : problems.collect(() => joinHubs(sources));
}

/** A text of the configuration, or the content of the file that is named instead. */
function textOrFile(
  keys: Members,
  name: string,
  fileName: string,
  prefix: string,
  { root, problems }: Reader,
): unknown {
  const { [name]: text, [fileName]: path } = keys;
  if (isLeftOut(path)) return text ?? undefined;
  const kind = kindProblems(prefix + fileName, path, file);
  problems.add(...kind);
  if (!isLeftOut(text)) {
    problems.add(`${prefix}${fileName} and ${prefix}${name} are both given: one of them is enough`);
    return text;
  }
  if (kind.length > 0) return undefined;
  return problems.collect(() => readConfigFile(prefix + fileName, path as string, root));
}

function pick(values: Members, kinds: ArgumentKinds): Members {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => Object.hasOwn(kinds, name) && !isLeftOut(value)),
  );
}

/** What is a secret becomes one of the stack. */
function withSecrets(values: Members, kinds: ArgumentKinds): Members {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, kinds[name]?.secret ? pulumi.secret(value) : value]),
  );
}
