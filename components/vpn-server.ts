import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./argument-error.ts";
import { findArtifact } from "./artifact.ts";
import {
  commandConnection,
  resolveConnection,
  type SshConnection,
  type SshConnectionArgs,
} from "./connection.ts";
import { recordOutcome, type DeploymentOutcome } from "./deployment-outcome.ts";
import { checkHealth, type HealthCheckOptions, type HealthReport } from "./health.ts";
import {
  installScript,
  scriptRunner,
  uninstallScript,
  uploadPath as remoteUploadPath,
  DeploymentMode,
  type InstallOptions,
} from "./host-script.ts";
import { parseInstallReport, type FirewallReport, type ListenerReport } from "./install-report.ts";
import { SshSession } from "./ssh-session.ts";
import { substituteUnknown } from "./substitute-unknown.ts";

/** What can be chosen for a {@link VpnServer}, and in a fleet for all of them at once. */
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

/** What a {@link VpnServer} needs. */
export interface VpnServerArgs extends VpnServerOptions {
  /** How the host is reached over SSH. */
  connection: pulumi.Input<SshConnectionArgs>;
}

/**
 * A VPN server on one host that answers SSH: uploads the executable, registers it as a service or starts it as a
 * process of the user, opens the host's firewall, and proves on every `pulumi up` that each listener serves.
 *
 * @example
 * const server = new VpnServer("office", {
 *   connection: { host: "203.0.113.5", privateKey, hostKey: "ssh-ed25519 AAAA…" },
 * });
 * export const endpoints = server.endpoints;
 */
export class VpnServer extends pulumi.ComponentResource {
  /** The mode that was taken: `service` or `user`. */
  readonly mode: pulumi.Output<string>;
  /** Why this mode was taken. */
  readonly modeReason: pulumi.Output<string>;
  /** Version of the server on the host. */
  readonly version: pulumi.Output<string>;
  /** SHA-256 of the executable on the host. */
  readonly sha256: pulumi.Output<string>;
  /** The listeners with their states, as of the installation. */
  readonly listeners: pulumi.Output<ListenerReport[]>;
  /** Where clients connect: `host:port` of each listener that serves. */
  readonly endpoints: pulumi.Output<string[]>;
  /** SHA-256 fingerprint of the server's TLS certificate, for clients that verify it. */
  readonly tlsFingerprint: pulumi.Output<string>;
  /** What was done about the host's firewall. */
  readonly firewall: pulumi.Output<FirewallReport>;
  /** What the health check of this `pulumi up` found; unknown in a preview, which dials nobody. */
  readonly health: pulumi.Output<HealthReport>;

  constructor(name: string, args: VpnServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("vpnserver:index:VpnServer", name, {}, opts);
    const fail = (error: unknown): never => {
      throw namedError(name, error, this);
    };

    const settings = pulumi.output(args).apply((values) => {
      try {
        return resolveSettings(values);
      } catch (error) {
        return fail(error);
      }
    });
    // What is not secret is kept apart, so that credentials do not make every output a secret.
    const host = pulumi.unsecret(settings.apply(({ connection }) => connection.host));
    const install = pulumi.unsecret(settings.apply(({ install }) => install));
    const removal = pulumi.unsecret(settings.apply(({ removal }) => removal));

    // Reaching the host before any resource is registered gives a failure the host's name, and keeps it from stopping
    // the deployment of others: a failed resource would stop the engine, a failed program only ends it in the end.
    const reach = settings.apply(async (values) =>
      pulumi.runtime.isDryRun() ? { values } : { values, problem: await problemOfReaching(values) },
    );
    const reached = reach.apply(({ values, problem }) => (problem === undefined ? values : fail(problem)));
    const connection = pulumi.secret(reached.apply((values) => commandConnection(values.connection)));

    const platform = new command.remote.Command(
      `${name}-platform`,
      { connection, create: "uname -sm", addPreviousOutputInEnv: false, logging: "none" },
      { parent: this },
    );
    // A first preview takes the common platform; `up` then has the host's answer.
    const artifact = substituteUnknown(pulumi.unsecret(platform.stdout), "Linux x86_64").apply((uname) => {
      try {
        return findArtifact(uname);
      } catch (error) {
        return fail(error);
      }
    });
    const upload = new command.remote.CopyToRemote(
      `${name}-upload`,
      {
        connection,
        source: artifact.apply(({ uploadPath }) => new pulumi.asset.FileAsset(uploadPath)),
        remotePath: artifact.apply(({ sha256 }) => remoteUploadPath(sha256)),
        // A host that was set up anew has lost its upload.
        triggers: [
          host,
          pulumi.unsecret(settings.apply(({ connection }) => connection.hostKey?.base64 ?? "")),
        ],
      },
      { parent: this },
    );
    const release = pulumi
      .all([install, artifact])
      .apply(([options, { sha256 }]): InstallOptions => ({ ...options, sha256 }));
    const script = release.apply(installScript);
    const installed = new command.remote.Command(
      `${name}-install`,
      {
        connection,
        create: scriptRunner,
        update: scriptRunner,
        stdin: script,
        delete: pulumi
          .all([release, removal])
          .apply(([options, { uninstall, keepState }]) =>
            uninstall ? uninstallScript({ ...options, keepState }) : "true",
          ),
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      { parent: this, dependsOn: [upload] },
    );
    const report = pulumi.unsecret(installed.stdout).apply(parseInstallReport);
    void report.apply(({ warnings = [] }) => {
      for (const warning of warnings) void pulumi.log.warn(`${name}: ${warning}`, this);
    });

    // An apply is evaluated on every `up`, where an unchanged resource would be skipped.
    const examined = pulumi
      .all([reached, report, release, artifact])
      .apply(([{ connection }, installed, install, artifact]) =>
        pulumi.runtime.isDryRun()
          ? Promise.resolve(unknownOutcome)
          : examine({
              connection,
              installed,
              install,
              artifact,
              timeoutMs: install.healthTimeoutSeconds * 1000,
              warn: (message) => void pulumi.log.warn(`${name}: ${message}`, this),
            }),
      );
    const outcome = pulumi.unsecret(
      reach.apply(({ problem }) =>
        problem === undefined ? examined : pulumi.output<DeploymentOutcome>({ kind: "unreachable", problem }),
      ),
    );
    recordOutcome(this, outcome);

    this.mode = report.mode;
    this.modeReason = report.reason;
    this.version = report.version;
    this.sha256 = report.sha256;
    this.listeners = report.listeners;
    this.endpoints = pulumi
      .all([host, report.listeners])
      .apply(([name, listeners]) => endpointsOf(name, listeners));
    this.tlsFingerprint = report.tlsFingerprint;
    this.firewall = report.firewall;
    this.health = outcome.apply((result) =>
      result.kind === "healthy" ? result.health : fail(result.problem),
    );
    // An output that fails would be reported as an error of serializing it; the state gets the problem in words.
    this.registerOutputs(
      outcome.apply((result): pulumi.Inputs => {
        if (result.kind === "unreachable") return { problem: result.problem };
        return {
          mode: this.mode,
          modeReason: this.modeReason,
          version: this.version,
          sha256: this.sha256,
          listeners: this.listeners,
          endpoints: this.endpoints,
          tlsFingerprint: this.tlsFingerprint,
          firewall: this.firewall,
          ...(result.kind === "healthy" ? { health: result.health } : { problem: result.problem }),
        };
      }),
    );
  }
}

interface Settings {
  readonly connection: SshConnection;
  readonly install: Omit<InstallOptions, "sha256">;
  readonly removal: { readonly uninstall: boolean; readonly keepState: boolean };
  readonly connectTimeoutMs: number;
}

function resolveSettings(args: pulumi.Unwrap<VpnServerArgs>): Settings {
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
  for (const argument of ["directory", "stateDirectory"] as const) {
    const path = args[argument];
    if (path !== undefined && !/^(\/|~\/)./.test(path)) {
      throw new ArgumentError(argument, `is "${path}"; a path that begins with / or ~/ is needed`);
    }
  }
  return {
    connection: resolveConnection(args.connection, process.env),
    install: {
      mode,
      openFirewall: args.openFirewall ?? true,
      healthTimeoutSeconds,
      ...(listeners && { listeners }),
      ...(args.directory !== undefined && { directory: args.directory }),
      ...(args.stateDirectory !== undefined && { stateDirectory: args.stateDirectory }),
    },
    removal: { uninstall: args.uninstallOnDestroy ?? true, keepState: args.keepState ?? false },
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

async function problemOfReaching({ connection, connectTimeoutMs }: Settings): Promise<string | undefined> {
  try {
    const session = await SshSession.connect(connection, { deadlineMs: connectTimeoutMs });
    session.close();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function examine(options: HealthCheckOptions): Promise<DeploymentOutcome> {
  try {
    return { kind: "healthy", health: await checkHealth(options) };
  } catch (error) {
    return { kind: "unhealthy", problem: messageOf(error) };
  }
}

/** A preview dials nobody, so it knows nothing of the server's health. */
const unknownOutcome = pulumi.unknown as unknown as DeploymentOutcome;

function endpointsOf(host: string, listeners: readonly ListenerReport[]): string[] {
  const name = host.includes(":") ? `[${host}]` : host;
  return listeners.filter(({ state }) => state === "Listening").map(({ port }) => `${name}:${port}`);
}

function namedError(name: string, error: unknown, resource: pulumi.Resource): pulumi.ResourceError {
  return new pulumi.ResourceError(`VpnServer "${name}": ${messageOf(error)}`, resource, true);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
