import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

/** One public key in authorized_keys form. */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** The base64 part. */
  readonly base64: string;
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
