import { statSync } from "node:fs";
import type * as pulumi from "@pulumi/pulumi";
import type { HostKey, SshConnection, SshEndpoint } from "../ssh/ssh-connection.ts";
import { ArgumentError, ArgumentProblems } from "./argument-error.ts";
import {
  describeValue,
  isLeftOut,
  isObject,
  kindProblems,
  portKind,
  type ArgumentKind,
} from "./argument-kind.ts";
import { unknownNames } from "./argument-names.ts";
import { parseHostKey } from "./host-key.ts";
import { parseHost } from "./host-name.ts";
import { parsePrivateKey } from "./ssh-private-key.ts";

/** How a host, or the bastion before it, is reached over SSH. */
export interface SshEndpointArgs {
  /** Host name or address. */
  host: pulumi.Input<string>;
  /**
   * TCP port of the SSH server.
   * @default 22
   */
  port?: pulumi.Input<number>;
  /**
   * User to log in as. Service mode needs root, or a user with passwordless sudo.
   * @default "root"
   */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH or PEM form. Kept as a secret. */
  privateKey?: pulumi.Input<string>;
  /** Passphrase of `privateKey`. Kept as a secret. */
  privateKeyPassword?: pulumi.Input<string>;
  /** Password of the user. Kept as a secret. */
  password?: pulumi.Input<string>;
  /**
   * Socket of an SSH agent.
   * @default the one of `SSH_AUTH_SOCK`, when neither a key nor a password is given
   */
  agentSocketPath?: pulumi.Input<string>;
  /**
   * The host's public key in authorized_keys form, such as `ssh-ed25519 AAAA…`. It is verified on every connection.
   * `ssh-keyscan -t ed25519 HOST` prints it; compare it with `/etc/ssh/ssh_host_ed25519_key.pub` on the host.
   */
  hostKey?: pulumi.Input<string>;
  /**
   * Connect although no host key is given. Whoever sits between here and the host can then take its place.
   * @default false
   */
  insecureSkipHostKeyCheck?: pulumi.Input<boolean>;
}

/** How a host is reached over SSH, by way of a bastion where there is one. */
export interface SshConnectionArgs extends SshEndpointArgs {
  /** A host that the connection goes through. */
  bastion?: pulumi.Input<SshEndpointArgs>;
}

/** What the arguments of an endpoint must be. */
export const endpointKinds = {
  host: { type: "text" },
  port: portKind,
  user: { type: "text" },
  privateKey: { type: "text", secret: true },
  privateKeyPassword: { type: "text", secret: true },
  password: { type: "text", secret: true },
  agentSocketPath: { type: "text" },
  hostKey: { type: "text" },
  insecureSkipHostKeyCheck: { type: "boolean" },
} as const satisfies Readonly<Record<keyof SshEndpointArgs, ArgumentKind>>;

/** What the arguments of a connection must be. */
export const connectionKinds = {
  ...endpointKinds,
  bastion: { type: "endpoint" },
} as const satisfies Readonly<Record<keyof SshConnectionArgs, ArgumentKind>>;

type Environment = Readonly<Record<string, string | undefined>>;
type Members = Readonly<Record<string, unknown>>;

/**
 * Checks the arguments of a connection and fills in the defaults.
 *
 * @param environment where `SSH_AUTH_SOCK` is looked up
 * @param path of the connection, for messages
 * @throws ArgumentError with everything that is wrong
 */
export function resolveConnection(
  args: unknown,
  environment: Environment,
  path = "connection",
): SshConnection {
  if (!isObject(args)) {
    throw new ArgumentError([
      `${path} is ${describeValue(args)}: an object that tells how to reach the host is needed, such as ` +
        '{ host: "203.0.113.5", hostKey: "ssh-ed25519 AAAA…", privateKey }',
    ]);
  }
  const problems = new ArgumentProblems();
  problems.add(...unknownNames(args, connectionKinds, `${path}.`));
  const { bastion: bastionArgs, ...endpointArgs } = args;
  const endpoint = problems.collect(() => resolveEndpoint(endpointArgs, path, environment));
  const bastion = isLeftOut(bastionArgs)
    ? undefined
    : problems.collect(() => resolveBastion(bastionArgs, `${path}.bastion`, environment));
  problems.throwIfAny();
  return { ...(endpoint as SshEndpoint), ...(bastion && { bastion }) };
}

function resolveBastion(args: unknown, path: string, environment: Environment): SshEndpoint {
  if (!isObject(args)) throw new ArgumentError(kindProblems(path, args, connectionKinds.bastion));
  const problems = new ArgumentProblems();
  problems.add(...unknownNames(args, endpointKinds, `${path}.`));
  const endpoint = problems.collect(() => resolveEndpoint(args, path, environment));
  problems.throwIfAny();
  return endpoint as SshEndpoint;
}

function resolveEndpoint(args: Members, path: string, environment: Environment): SshEndpoint {
  const problems = new ArgumentProblems();
  const elsewhere = `user and port are arguments of their own, ${path}.user and ${path}.port`;
  const host = problems.collect(() => parseHost(`${path}.host`, args["host"], elsewhere));
  const { port, user, password, insecureSkipHostKeyCheck, agentSocketPath } = endpointKinds;
  for (const [name, kind] of Object.entries({ port, password, insecureSkipHostKeyCheck, agentSocketPath })) {
    problems.add(...kindProblems(`${path}.${name}`, args[name], kind));
  }
  problems.add(...userProblems(`${path}.user`, args["user"], user));
  const login = problems.collect(() => resolveLogin(args, path, environment));
  const hostKey = problems.collect(() => resolveHostKey(args, path, host));
  problems.throwIfAny();
  return {
    host: host as string,
    port: (args["port"] as number | undefined) ?? 22,
    user: (args["user"] as string | undefined) ?? "root",
    ...login,
    ...(hostKey && { hostKey }),
  };
}

function userProblems(path: string, user: unknown, kind: ArgumentKind): string[] {
  if (typeof user !== "string") return kindProblems(path, user, kind);
  if (user === "") return [`${path} is empty: leave it out to log in as root`];
  // eslint-disable-next-line no-control-regex -- control bytes are what it looks for
  const odd = /[\s\u0000-\u001f\u007f]/.test(user);
  return odd ? [`${path} is ${describeValue(user)}: the name of a user, without white space, is needed`] : [];
}

type Login = Pick<SshEndpoint, "privateKey" | "privateKeyPassword" | "password" | "agentSocketPath">;

/** How to log in: a private key, a password or an agent. */
function resolveLogin(args: Members, path: string, environment: Environment): Login {
  const { privateKey, privateKeyPassword, password, agentSocketPath: given } = args;
  const key = isLeftOut(privateKey) ? undefined : parsePrivateKey(path, privateKey, privateKeyPassword);
  const inherited = key || !isLeftOut(password) ? undefined : environment["SSH_AUTH_SOCK"] || undefined;
  const agent = given ?? inherited;
  if (!key && isLeftOut(password) && isLeftOut(agent)) {
    throw new ArgumentError([
      `${path} has no way to log in: give privateKey, password or agentSocketPath, or start an SSH agent (SSH_AUTH_SOCK)`,
    ]);
  }
  const problem = key || typeof agent !== "string" || agent === "" ? undefined : agentProblem(agent);
  if (problem !== undefined) {
    const subject = isLeftOut(given)
      ? `${path} has neither key nor password, and SSH_AUTH_SOCK`
      : `${path}.agentSocketPath`;
    throw new ArgumentError([`${subject} ${problem}: start an SSH agent, or give privateKey or password`]);
  }
  return {
    ...key,
    ...(!isLeftOut(password) && { password: password as string }),
    ...(!isLeftOut(agent) && { agentSocketPath: agent as string }),
  };
}

function agentProblem(socketPath: string): string | undefined {
  if (process.platform === "win32") return undefined; // Named pipes, which cannot be looked at.
  const is = `is ${describeValue(socketPath)}`;
  try {
    return statSync(socketPath).isSocket() ? undefined : `${is}, which is no socket`;
  } catch (error) {
    return `${is}, which cannot be used (${(error as NodeJS.ErrnoException).code ?? "it is no path"})`;
  }
}

function resolveHostKey(args: Members, path: string, host: string | undefined): HostKey | undefined {
  const { hostKey, port, insecureSkipHostKeyCheck } = args;
  if (!isLeftOut(hostKey) && hostKey !== "") return parseHostKey(hostKey, `${path}.hostKey`);
  if (insecureSkipHostKeyCheck === true) return undefined;
  const portFlag = typeof port === "number" && port !== 22 ? `-p ${port} ` : "";
  throw new ArgumentError([
    `${path}.hostKey is missing, so ${host ?? "the host"} could not be told from an impostor. Get it with ` +
      `"ssh-keyscan ${portFlag}-t ed25519 ${host ?? "HOST"}", compare it with ` +
      '/etc/ssh/ssh_host_ed25519_key.pub on the host, and give it as "ssh-ed25519 AAAA…". ' +
      "Where that does not matter, set insecureSkipHostKeyCheck: true",
  ]);
}
