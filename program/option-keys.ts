import * as pulumi from "@pulumi/pulumi";
import type { ArgumentProblems } from "../components/arguments/argument-error.ts";
import { isLeftOut, kindProblems, type ArgumentKinds } from "../components/arguments/argument-kind.ts";
import { hubProblems } from "../components/arguments/desired-hubs.ts";
import {
  checkAdminPassword,
  optionKinds,
  optionProblems,
  type VpnServerOptions,
} from "../components/arguments/server-arguments.ts";
import { resolveCertificate } from "../components/arguments/server-certificate.ts";
import { readConfigFile } from "./config-file.ts";
import { joinHubs, readHubsFile, type HubsSource } from "./hubs-file.ts";

export type Members = Readonly<Record<string, unknown>>;

/** Where files are, and where problems go. */
export interface Reader {
  readonly root: string;
  readonly problems: ArgumentProblems;
}

// The keys are the arguments of the components, so that none can be forgotten here. Beside a host's keys stand those of its
// connection, whose privateKey is another than that of the certificate; and a file may stand for what is long.
const { privateKey: certificateKey, ...optionsOfTheSameName } = optionKinds;
/** Of a key that names a file. */
export const fileKind = { type: "text" } as const;
/** The options of a server, as the configuration has them. */
export const optionKeys = {
  ...optionsOfTheSameName,
  certificateKey,
  certificateFile: fileKind,
  certificateKeyFile: fileKind,
  hubsFile: fileKind,
  hubsFiles: { type: "texts" },
} as const satisfies ArgumentKinds;

/** Name of a server: it becomes part of resource names. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** What a name must be, for messages. */
export const nameNeeded = 'a name of up to 63 letters, digits, "-" and "_" is needed';

/** Whether it can be the name of a server. */
export function isServerName(name: unknown): name is string {
  return typeof name === "string" && namePattern.test(name);
}

/** Reads and checks the options of all servers or of one. */
export function readOptions(keys: Members, prefix: string, reader: Reader): VpnServerOptions {
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
    ...kindProblems(`${prefix}hubsFile`, hubsFile, fileKind),
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
export function textOrFile(
  keys: Members,
  name: string,
  fileName: string,
  prefix: string,
  { root, problems }: Reader,
): unknown {
  const { [name]: text, [fileName]: path } = keys;
  if (isLeftOut(path)) return text ?? undefined;
  const kind = kindProblems(prefix + fileName, path, fileKind);
  problems.add(...kind);
  if (!isLeftOut(text)) {
    problems.add(`${prefix}${fileName} and ${prefix}${name} are both given: one of them is enough`);
    return text;
  }
  if (kind.length > 0) return undefined;
  return problems.collect(() => readConfigFile(prefix + fileName, path as string, root));
}

export function pick(values: Members, kinds: ArgumentKinds): Members {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => Object.hasOwn(kinds, name) && !isLeftOut(value)),
  );
}

/** What is a secret becomes one of the stack. */
export function withSecrets(values: Members, kinds: ArgumentKinds): Members {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, kinds[name]?.secret ? pulumi.secret(value) : value]),
  );
}
