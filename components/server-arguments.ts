import type * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./argument-error.ts";
import { resolveConnection, type SshConnection, type SshConnectionArgs } from "./connection.ts";
import type { HubArgs } from "./hub-arguments.ts";
import { DeploymentMode, type InstallOptions } from "./host-script.ts";

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
   * come along, the former server is stopped and disabled, and its files stay. See docs/coming-from-softether.md.
   * @default none: the server has what it has
   */
  importFrom?: pulumi.Input<string>;
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
   * Leave configuration, keys and logs on the host when the server is taken off it.
   * @default false
   */
  keepState?: pulumi.Input<boolean>;
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

/** The arguments of a server whose values are known and have been checked. */
export interface ServerSettings {
  readonly connection: SshConnection;
  /** Where VPN clients connect; an IPv6 address without brackets. */
  readonly publicHost: string;
  readonly install: InstallOptions;
  readonly removal: { readonly uninstall: boolean; readonly purgeState: boolean };
  readonly connectTimeoutMs: number;
}

/**
 * Checks a server's arguments and fills in the defaults.
 *
 * @throws ArgumentError that names the argument and what is allowed
 */
export function resolveSettings(
  args: Omit<pulumi.Unwrap<VpnServerArgs>, "hubs" | "adminPassword">,
): ServerSettings {
  const { mode = DeploymentMode.Auto, healthTimeoutSeconds = 30, connectTimeoutSeconds = 60 } = args;
  const modes: readonly string[] = Object.values(DeploymentMode);
  if (!modes.includes(mode)) throw new ArgumentError("mode", `is "${mode}"; allowed are ${modes.join(", ")}`);
  checkRange("healthTimeoutSeconds", healthTimeoutSeconds, 5, 600);
  checkRange("connectTimeoutSeconds", connectTimeoutSeconds, 0, 3600);
  const listeners = args.listeners && [...new Set(args.listeners)];
  if (listeners?.length === 0) {
    throw new ArgumentError("listeners", "is empty: a server without a listener serves nobody");
  }
  for (const port of listeners ?? []) checkRange("listeners", port, 1, 65535);
  for (const argument of ["directory", "stateDirectory", "importFrom"] as const) {
    const path = args[argument];
    if (path !== undefined && !/^(\/|~\/)./.test(path)) {
      throw new ArgumentError(argument, `is "${path}"; a path that begins with / or ~/ is needed`);
    }
  }
  const connection = resolveConnection(args.connection, process.env);
  const publicHost = (args.publicHost ?? connection.host).replace(/^\[(.*)\]$/, "$1");
  if (!/^[A-Za-z0-9._:%-]{1,255}$/.test(publicHost)) {
    throw new ArgumentError("publicHost", `is "${publicHost}"; a host name or an address is needed`);
  }
  return {
    connection,
    publicHost,
    install: {
      adopt: false,
      mode,
      openFirewall: args.openFirewall ?? true,
      healthTimeoutSeconds,
      ...(listeners && { listeners }),
      ...(args.directory !== undefined && { directory: args.directory }),
      ...(args.stateDirectory !== undefined && { stateDirectory: args.stateDirectory }),
      ...(args.importFrom !== undefined && { importFrom: args.importFrom }),
    },
    removal: { uninstall: args.uninstallOnDestroy ?? true, purgeState: !(args.keepState ?? true) },
    connectTimeoutMs: connectTimeoutSeconds * 1000,
  };
}

function checkRange(argument: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ArgumentError(
      argument,
      `has ${String(value)}; whole numbers from ${least} to ${most} are allowed`,
    );
  }
}
