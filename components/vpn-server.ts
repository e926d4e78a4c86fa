import { X509Certificate } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "./argument-error.ts";
import { findArtifact } from "./artifact.ts";
import { commandConnection } from "./connection.ts";
import { resolveHubs } from "./desired-hubs.ts";
import { recordOutcome, type DeploymentOutcome } from "./deployment-outcome.ts";
import { checkHealth, type HealthCheckOptions, type HealthReport } from "./health.ts";
import {
  applyCommand,
  installScript,
  scriptRunner,
  uninstallScript,
  uploadPath as remoteUploadPath,
  type InstallOptions,
} from "./host-script.ts";
import { parseInstallReport, type FirewallReport, type ListenerReport } from "./install-report.ts";
import { resolveSettings, type ServerSettings, type VpnServerArgs } from "./server-arguments.ts";
import { SshSession } from "./ssh-session.ts";
import { substituteUnknown } from "./substitute-unknown.ts";
import { connectionsOf, parseApplyReport, vpnFilesOf, type VpnConnection } from "./vpn-connection.ts";

/**
 * A VPN server on one host that answers SSH: uploads the executable, registers it as a service or starts it as a
 * process of the user, opens the host's firewall, and proves on every `pulumi up` that each listener serves.
 *
 * @example
 * const server = new VpnServer("office", {
 *   connection: { host: "203.0.113.5", privateKey, hostKey: "ssh-ed25519 AAAA…" },
 *   hubs: [{ name: "DEFAULT", users: [{ name: "alice", password }] }],
 * });
 * export const connections = server.connections;
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
  /** The server's TLS certificate in PEM. */
  readonly certificate: pulumi.Output<string>;
  /** How each user of `hubs` connects. */
  readonly connections: pulumi.Output<VpnConnection[]>;
  /** Text of a `.vpn` file by hub and user, which `vpncmd AccountImport` takes; secret, because it holds credentials. */
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, string>>>;
  /**
   * Password of the server's administrator: the one that was given, or the one that was made. Secret. Undefined when it was
   * imported and none was given: the former one stays, which nobody here knows.
   */
  readonly adminPassword: pulumi.Output<string | undefined>;
  /** What was done about the host's firewall. */
  readonly firewall: pulumi.Output<FirewallReport>;
  /** What the health check of this `pulumi up` found; unknown in a preview, which dials nobody. */
  readonly health: pulumi.Output<HealthReport>;

  constructor(name: string, args: VpnServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("vpnserver:index:VpnServer", name, {}, opts);
    const fail = (error: unknown): never => {
      throw namedError(name, error, this);
    };

    // Apart from the rest: a user's password may be unknown in a preview.
    const {
      hubs: hubArguments = [],
      adminPassword,
      certificate: _,
      privateKey: __,
      ...serverArguments
    } = args;
    const settings = pulumi.output(serverArguments).apply((values) => {
      try {
        return resolveSettings(values);
      } catch (error) {
        return fail(error);
      }
    });
    const hubs = pulumi.secret(
      pulumi.output(hubArguments).apply((values) => {
        try {
          return resolveHubs(values);
        } catch (error) {
          return fail(error);
        }
      }),
    );
    // What is not secret is kept apart, so that credentials do not make every output a secret.
    const host = pulumi.unsecret(settings.apply(({ connection }) => connection.host));
    const user = pulumi.unsecret(settings.apply(({ connection }) => connection.user));
    const publicHost = pulumi.unsecret(settings.apply(({ publicHost }) => publicHost));
    const install = pulumi.unsecret(settings.apply(({ install }) => install));
    const removal = pulumi.unsecret(settings.apply(({ removal }) => removal));

    // Reaching the host before any resource is registered gives a failure the host's name, and keeps it from stopping
    // the deployment of others: a failed resource would stop the engine, a failed program only ends it in the end.
    const checked = pulumi.runtime.isDryRun()
      ? settings
      : pulumi.all([settings, hubs]).apply(([values]) => values);
    const reach = checked.apply(async (values) =>
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
          .apply(([options, { uninstall, purgeState }]) =>
            uninstall ? uninstallScript({ ...options, keepState: !purgeState }) : "true",
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

    this.adminPassword = pulumi.secret(
      adminPassword === undefined
        ? args.importFrom === undefined
          ? this.#generatePassword(name, connection)
          : undefined
        : pulumi.output(adminPassword).apply((password) => {
            if (password !== "") return password;
            return fail(new ArgumentError(["adminPassword is empty: leave it out to have one made"]));
          }),
    );
    const desired = pulumi.secret(
      pulumi
        .all([this.adminPassword, hubs])
        .apply(([password, { hubs }]) => JSON.stringify({ adminPassword: password, hubs })),
    );
    const applied = new command.remote.Command(
      `${name}-hubs`,
      {
        connection,
        create: pulumi.all([report, user]).apply(([installed, user]) => applyCommand(installed, user)),
        stdin: desired,
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      { parent: this },
    );
    const applyReport = pulumi.unsecret(applied.stdout).apply(parseApplyReport);

    // An apply is evaluated on every `up`, where an unchanged resource would be skipped.
    const examined = pulumi
      .all([reached, report, release, artifact, desired, applyReport])
      .apply(([{ connection }, installed, install, artifact, desired]) =>
        pulumi.runtime.isDryRun()
          ? Promise.resolve(unknownOutcome)
          : examine({
              connection,
              installed,
              install,
              desired,
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
      .all([publicHost, report.listeners])
      .apply(([name, listeners]) => endpointsOf(name, listeners));
    this.certificate = pulumi
      .all([applyReport, pulumi.runtime.isDryRun() ? undefined : outcome])
      .apply(([{ certificate }, result]) => (result?.kind === "healthy" ? result.certificate : certificate));
    // A server that was lost and put there again has another one than it was installed with.
    this.tlsFingerprint = pulumi.runtime.isDryRun()
      ? report.tlsFingerprint
      : this.certificate.apply((pem) => new X509Certificate(pem).fingerprint256);
    const accounts = pulumi.unsecret(
      hubs.apply(({ accounts }) => accounts.map(({ hub, user }) => ({ hub, user }))),
    );
    this.connections = pulumi
      .all([accounts, publicHost, report.listeners])
      .apply(([accounts, name, listeners]) => connectionsOf(accounts, name, listeners));
    this.vpnFiles = pulumi.secret(
      pulumi
        .all([hubs, this.connections, this.certificate])
        .apply(([{ accounts }, connections, certificate]) => vpnFilesOf(accounts, connections, certificate)),
    );
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
          certificate: this.certificate,
          connections: this.connections,
          vpnFiles: this.vpnFiles,
          adminPassword: this.adminPassword,
          firewall: this.firewall,
          ...(result.kind === "healthy" ? { health: result.health } : { problem: result.problem }),
        };
      }),
    );
  }

  /**
   * Makes a password once: a resource's answer stays in the state, as a secret. It is made where random bytes are at hand in the
   * same way whatever the program is written in, on the host; another connection does not make another one.
   */
  #generatePassword(name: string, connection: pulumi.Input<command.types.input.remote.ConnectionArgs>) {
    const made = new command.remote.Command(
      `${name}-admin-password`,
      {
        connection,
        create: "head -c 18 /dev/urandom | base64 | tr +/ -_",
        addPreviousOutputInEnv: false,
        logging: "none",
      },
      { parent: this, ignoreChanges: ["connection"], additionalSecretOutputs: ["stdout"] },
    );
    return made.stdout.apply((text) => text.trim());
  }
}

async function problemOfReaching({
  connection,
  connectTimeoutMs,
}: ServerSettings): Promise<string | undefined> {
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
    return { kind: "healthy", ...(await checkHealth(options)) };
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
