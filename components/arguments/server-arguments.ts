import type * as pulumi from "@pulumi/pulumi";
import { checkDesiredState } from "../../server/desired/desired-state.ts";
import { loginLimits } from "../../server/limits.ts";
import type { SshConnection } from "../ssh/ssh-connection.ts";
import { ArgumentProblems } from "./argument-error.ts";
import { isLeftOut, isObject, kindProblems, type ArgumentKind } from "./argument-kind.ts";
import { unknownNames } from "./argument-names.ts";
import {
  connectionKinds,
  endpointKinds,
  resolveConnection,
  type SshConnectionArgs,
} from "./connection-arguments.ts";
import { DeploymentMode, type DeploymentSettings } from "./deployment-settings.ts";
import { parseHost } from "./host-name.ts";
import type { HubArgs } from "./hub-arguments.ts";

/** What can be chosen for a VpnServer, and in a fleet for all of them at once. */
export interface VpnServerOptions {
  /**
   * `service` (started at boot; needs root or passwordless sudo), `user` (a background process of the user; nothing at
   * boot) or `auto`, which takes service mode where it can.
   * @default "auto"
   */
  mode?: pulumi.Input<DeploymentMode>;
  /**
   * TCP ports that the server listens on. Without root, those below 1024 show as `Error` and the others serve.
   * @default what the server has; 443, 992 and 5555 at first
   */
  listeners?: pulumi.Input<pulumi.Input<number>[]>;
  /**
   * The Virtual Hubs with their users, groups and access lists.
   * @default what the server has; an empty hub `DEFAULT` at first
   */
  hubs?: pulumi.Input<pulumi.Input<HubArgs>[]>;
  /**
   * Password of the server's administrator, for `vpncmd` and the JSON-RPC interface. Each `up` sets it again.
   * @default a random one, made once and kept in the stack's state; see the output `adminPassword`. With `importFrom` the one
   * that was imported stays.
   */
  adminPassword?: pulumi.Input<string>;
  /**
   * Takes over the SoftEther VPN Server of the host, once: path of its `vpn_server.config` there, or of the folder that holds
   * it, such as `/usr/local/vpnserver`, or `/var/lib/softether` with Debian's package. Hubs, users, passwords and certificate
   * come along, the former server is stopped and disabled, and its files stay. See docs/guides/coming-from-softether.md.
   * @default none: the server has what it has
   */
  importFrom?: pulumi.Input<string>;
  /**
   * The server's own certificate in PEM, followed by the certificates of the authorities between it and the root. It comes with
   * `privateKey`. Another one takes its place without ending a session.
   * @default one that the server makes for itself once
   */
  certificate?: pulumi.Input<string>;
  /** Private key of `certificate` in PEM without passphrase. Kept as a secret. */
  privateKey?: pulumi.Input<string>;
  /**
   * Take the server of the host over although another stack owns it. What that one made by `hubs` stays, for nobody knows here
   * whether it is still wanted.
   * @default false: the deployment fails and names the owner
   */
  adopt?: pulumi.Input<boolean>;
  /**
   * Open the listeners' ports in the host's own firewall (nftables or ufw). Only rules of our own are added, and taken
   * away again.
   * @default true
   */
  openFirewall?: pulumi.Input<boolean>;
  /**
   * Folder of the executable on the host; `~/` is the user's home.
   * @default "/opt/vpnserver" in service mode, "~/vpnserver" in user mode
   */
  directory?: pulumi.Input<string>;
  /**
   * Folder of configuration, keys and logs on the host.
   * @default "/var/lib/vpnserver" in service mode, "state" below the executable's folder in user mode
   */
  stateDirectory?: pulumi.Input<string>;
  /**
   * Take the server off the host when this resource is destroyed.
   * @default true
   */
  uninstallOnDestroy?: pulumi.Input<boolean>;
  /**
   * Delete configuration, certificate, keys and logs too when the server is taken off the host. They are lost then, and with them
   * what clients know of the server.
   * @default false: they stay in the state directory, where the next installation finds them
   */
  purgeStateOnDestroy?: pulumi.Input<boolean>;
  /**
   * How long a new release has to become healthy before the host goes back to the previous one, 5 to 600 seconds.
   * @default 30
   */
  healthTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How long to wait for a host that does not answer yet, such as one that is still booting, 0 to 3600 seconds.
   * @default 60
   */
  connectTimeoutSeconds?: pulumi.Input<number>;
}

/** What a VpnServer needs. */
export interface VpnServerArgs extends VpnServerOptions {
  /** How the host is reached over SSH. */
  connection: pulumi.Input<SshConnectionArgs>;
  /**
   * Host name or address that VPN clients connect to, where it is another than the one of the SSH connection.
   * @default the connection's host
   */
  publicHost?: pulumi.Input<string>;
}

/** What the options must be. The stack's configuration knows them by the same table. */
export const optionKinds = {
  mode: { type: "choice", allowed: Object.values(DeploymentMode) },
  listeners: { type: "ports" },
  hubs: { type: "hubs", secret: true },
  adminPassword: { type: "text", secret: true },
  importFrom: { type: "path" },
  certificate: { type: "text" },
  privateKey: { type: "text", secret: true },
  adopt: { type: "boolean" },
  openFirewall: { type: "boolean" },
  directory: { type: "path" },
  stateDirectory: { type: "path" },
  uninstallOnDestroy: { type: "boolean" },
  purgeStateOnDestroy: { type: "boolean" },
  healthTimeoutSeconds: { type: "integer", least: 5, most: 600 },
  connectTimeoutSeconds: { type: "integer", least: 0, most: 3600 },
} as const satisfies Readonly<Record<keyof VpnServerOptions, ArgumentKind>>;

/** What the arguments of a server must be. */
const serverKinds = {
  ...optionKinds,
  connection: { type: "endpoint" },
  publicHost: { type: "text" },
} as const satisfies Readonly<Record<keyof VpnServerArgs, ArgumentKind>>;

/** Arguments that are checked and handed on by themselves: each is a secret, or may be unknown in a preview. */
type SeparateArgument = "hubs" | "adminPassword" | "certificate" | "privateKey";

/**
 * Names that no argument has: of the server, of its connection, and of the bastion. It looks into what is there already and leaves
 * Outputs alone, so that a slip is told before anything is evaluated, whatever the language.
 *
 * @returns a problem for each
 */
export function checkArgumentNames(args: object): string[] {
  const connection = plainMembers("connection", args);
  const bastion = plainMembers("bastion", connection);
  return [
    ...unknownNames(args, serverKinds, ""),
    ...unknownNames(connection, connectionKinds, "connection."),
    ...unknownNames(bastion, endpointKinds, "connection.bastion."),
  ];
}

/** A member that is an object as a program writes it down; an empty one where it is anything else, such as an Output. */
function plainMembers(name: string, args: object): object {
  const value = (args as Readonly<Record<string, unknown>>)[name];
  if (!isObject(value)) return {};
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? value : {};
}

/**
 * Checks a server's arguments and fills in the defaults.
 *
 * @throws ArgumentError with everything that is wrong
 */
export function resolveSettings(
  args: Omit<pulumi.Unwrap<VpnServerArgs>, SeparateArgument>,
): DeploymentSettings {
  const problems = new ArgumentProblems();
  problems.add(...optionProblems(args));
  const connection = problems.collect(() => resolveConnection(args.connection, process.env));
  const publicHost = isLeftOut(args.publicHost)
    ? connection?.host
    : problems.collect(() => parsePublicHost("publicHost", args.publicHost));
  problems.throwIfAny();
  return {
    connection: connection as SshConnection,
    publicHost: publicHost as string,
    install: {
      mode: args.mode ?? DeploymentMode.Auto,
      adopt: args.adopt ?? false,
      openFirewall: args.openFirewall ?? true,
      healthTimeoutSeconds: args.healthTimeoutSeconds ?? 30,
      ...(args.listeners && { listeners: [...new Set(args.listeners)] }),
      ...(args.directory && { directory: args.directory }),
      ...(args.stateDirectory && { stateDirectory: args.stateDirectory }),
      ...(args.importFrom && { importFrom: args.importFrom }),
    },
    removal: {
      uninstall: args.uninstallOnDestroy ?? true,
      purgeState: args.purgeStateOnDestroy ?? false,
    },
    connectTimeoutMs: (args.connectTimeoutSeconds ?? 60) * 1000,
  };
}

/** What is wrong with the options, apart from those that have a check of their own. */
export function optionProblems(args: object, prefix = ""): string[] {
  const {
    hubs: _hubs,
    adminPassword: _password,
    certificate: _certificate,
    privateKey: _key,
    ...kinds
  } = optionKinds;
  const members = args as Readonly<Record<string, unknown>>;
  return Object.entries(kinds).flatMap(([name, kind]) => kindProblems(prefix + name, members[name], kind));
}

/** @throws ArgumentError when it is no host that VPN clients could connect to */
export function parsePublicHost(path: string, value: unknown): string {
  return parseHost(path, value, "the ports are those of listeners");
}

/** What is wrong with the administrator's password, by the check of the host; no secret is in it. */
export function checkAdminPassword(password: unknown, path = "adminPassword"): string | undefined {
  if (password === undefined) return undefined;
  if (password === null) return `${path} is null: leave it out to have one made`;
  const bounds = `1 to ${loginLimits.passwordCharacters} characters are needed`;
  if (password === "") return `${path} is empty: leave it out to have one made; ${bounds}`;
  const [problem] = [
    ...kindProblems(path, password, optionKinds.adminPassword),
    ...checkDesiredState({ adminPassword: password, hubs: [] }).problems.map(
      (text) => `${text.replace(/^adminPassword:/, path)}: ${bounds}`,
    ),
  ];
  return problem;
}
