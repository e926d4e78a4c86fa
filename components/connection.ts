import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./argument-error.ts";

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

/** An endpoint whose values are known and have been checked. */
export interface SshEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly password?: string;
  readonly agentSocketPath?: string;
  /** `undefined` only where the check is switched off. */
  readonly hostKey?: HostKey;
}

/** A connection whose values are known and have been checked. */
export interface SshConnection extends SshEndpoint {
  readonly bastion?: SshEndpoint;
}

/** One public key in authorized_keys form. */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** The base64 part. */
  readonly base64: string;
}

/** RSA is not among them: `@pulumi/command` offers only its SHA-1 form for a pinned key, which SSH servers refuse. */
const hostKeyTypes = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/**
 * Checks the arguments of a connection and fills in the defaults.
 *
 * @param environment where `SSH_AUTH_SOCK` is looked up
 * @throws ArgumentError that names the argument and what is allowed
 */
export function resolveConnection(
  args: pulumi.Unwrap<SshConnectionArgs>,
  environment: Readonly<Record<string, string | undefined>>,
): SshConnection {
  const { bastion, ...endpoint } = args;
  return {
    ...resolveEndpoint(endpoint, "connection", environment),
    ...(bastion && { bastion: resolveEndpoint(bastion, "connection.bastion", environment) }),
  };
}

function resolveEndpoint(
  args: pulumi.Unwrap<SshEndpointArgs>,
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): SshEndpoint {
  const { host, port = 22, user = "root", privateKey, privateKeyPassword, password } = args;
  if (typeof host !== "string" || host.trim() === "") {
    throw new ArgumentError(`${path}.host`, "is missing: give the host's name or address");
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new ArgumentError(`${path}.port`, `is ${String(port)}; a TCP port from 1 to 65535 is needed`);
  }
  const agentSocketPath =
    args.agentSocketPath ?? (privateKey || password ? undefined : environment["SSH_AUTH_SOCK"] || undefined);
  if (!privateKey && !password && !agentSocketPath) {
    throw new ArgumentError(
      path,
      "has no way to log in: give privateKey, password or agentSocketPath, or start an SSH agent (SSH_AUTH_SOCK)",
    );
  }
  if (!args.hostKey && !args.insecureSkipHostKeyCheck) {
    throw new ArgumentError(
      `${path}.hostKey`,
      `is missing, so ${host} could not be told from an impostor. Get it with ` +
        `"ssh-keyscan ${port === 22 ? "" : `-p ${port} `}-t ed25519 ${host}", compare it with ` +
        '/etc/ssh/ssh_host_ed25519_key.pub on the host, and give it as "ssh-ed25519 AAAA…". ' +
        "Where that does not matter, set insecureSkipHostKeyCheck: true",
    );
  }
  return {
    host,
    port,
    user,
    ...(privateKey && { privateKey }),
    ...(privateKeyPassword && { privateKeyPassword }),
    ...(password && { password }),
    ...(agentSocketPath && { agentSocketPath }),
    ...(args.hostKey && { hostKey: parseHostKey(args.hostKey, `${path}.hostKey`) }),
  };
}

/**
 * Reads one public key in authorized_keys form; a line of `ssh-keyscan`, which has the host in front, is understood too.
 *
 * @throws ArgumentError when it is none, or of a type that cannot be pinned
 */
export function parseHostKey(text: string, path: string): HostKey {
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => hostKeyTypes.includes(word));
  const type = words[at];
  const base64 = words[at + 1];
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new ArgumentError(
      path,
      `is no public key that can be pinned: "TYPE BASE64" is needed, with TYPE one of ${hostKeyTypes.join(", ")}`,
    );
  }
  const blob = Buffer.from(base64, "base64");
  const nameLength = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (blob.toString("latin1", 4, 4 + nameLength) !== type) {
    throw new ArgumentError(
      path,
      `does not hold a key of the type ${type} that it names: copy the whole line`,
    );
  }
  return { type, base64 };
}

/** The same connection in the form of `@pulumi/command`. */
export function commandConnection(
  connection: SshConnection,
): pulumi.Unwrap<command.types.input.remote.ConnectionArgs> {
  const { bastion, ...endpoint } = connection;
  return { ...commandEndpoint(endpoint), ...(bastion && { proxy: commandEndpoint(bastion) }) };
}

function commandEndpoint({ hostKey, ...endpoint }: SshEndpoint) {
  return { ...endpoint, ...(hostKey && { hostKey: `${hostKey.type} ${hostKey.base64}` }) };
}

/** Where the connection leads, for messages: `user@host`, with the port where it is not 22. */
export function describeEndpoint({ user, host, port }: SshEndpoint): string {
  return `${user}@${host}${port === 22 ? "" : `:${port}`}`;
}
