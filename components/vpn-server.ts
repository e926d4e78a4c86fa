import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { VpnServerArgs } from "./arguments/server-arguments.ts";
import { deployServer } from "./deployment/deploy-server.ts";
import { failQuietly } from "./deployment/deployment-error.ts";
import { recordOutcome } from "./deployment/deployment-outcome.ts";
import type { VpnServerResourceOptions } from "./deployment/resource-options.ts";
import type { CheckReport } from "./outputs/check-report.ts";
import type { FirewallReport } from "./outputs/firewall-report.ts";
import type { ListenerReport } from "./outputs/listener-report.ts";
import { networkReports, type NetworkReport } from "./outputs/network-report.ts";
import { connectionsOf, vpnFilesOf, type VpnConnection } from "./outputs/vpn-connection.ts";

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
  /** What is not as it could be on the host, though the server serves. */
  readonly warnings: pulumi.Output<string[]>;
  /** Where clients connect: `host:port` of each listener that serves. */
  readonly endpoints: pulumi.Output<string[]>;
  /** SHA-256 fingerprint of the server's TLS certificate, for clients that verify it. */
  readonly tlsFingerprint: pulumi.Output<string>;
  /** The server's TLS certificate in PEM. */
  readonly certificate: pulumi.Output<string>;
  /** The networks that hubs with SecureNAT give their clients. */
  readonly networks: pulumi.Output<NetworkReport[]>;
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
  /**
   * What the check at the end of the last `pulumi up` found; it says nothing of the time since. Unknown in a preview, which dials
   * nobody.
   */
  readonly lastCheck: pulumi.Output<CheckReport>;

  constructor(name: string, args: VpnServerArgs, opts: VpnServerResourceOptions = {}) {
    const { transform, ...options } = opts;
    super("vpnserver:index:VpnServer", name, {}, options);
    const deployment = deployServer(name, args, this, transform);
    const { settings, hubs, adminPassword, installed, applied, outcome, lastCheck } = deployment;
    recordOutcome(this, outcome);
    // What is not secret is kept apart, so that credentials do not make every output a secret.
    const publicHost = pulumi.unsecret(settings.apply(({ publicHost }) => publicHost));
    this.mode = installed.mode;
    this.modeReason = installed.reason;
    this.version = installed.version;
    this.sha256 = installed.sha256;
    this.listeners = installed.listeners.apply((listeners) => listeners.map((listener) => ({ ...listener })));
    this.warnings = installed.apply(({ warnings }) => [...warnings]);
    this.endpoints = pulumi
      .all([publicHost, installed.listeners])
      .apply(([name, listeners]) => endpointsOf(name, listeners));
    // A server that was lost and put there again has another one than it was installed with.
    this.certificate = pulumi
      .all([applied, pulumi.runtime.isDryRun() ? undefined : outcome])
      .apply(([{ certificate }, result]) => (result?.kind === "passed" ? result.certificate : certificate));
    this.tlsFingerprint = this.certificate.apply((pem) => new X509Certificate(pem).fingerprint256);
    this.networks = applied.apply(({ networks }) => networkReports(networks));
    const accounts = pulumi.unsecret(
      hubs.apply(({ accounts }) => accounts.map(({ hub, user }) => ({ hub, user }))),
    );
    this.connections = pulumi
      .all([accounts, publicHost, installed.listeners])
      .apply(([accounts, name, listeners]) => connectionsOf(accounts, name, listeners));
    this.vpnFiles = pulumi.secret(
      pulumi
        .all([hubs, this.connections, this.certificate])
        .apply(([{ accounts }, connections, certificate]) => vpnFilesOf(accounts, connections, certificate)),
    );
    this.adminPassword = adminPassword;
    this.firewall = installed.firewall.apply((firewall) => ({ ...firewall, ports: [...firewall.ports] }));
    this.lastCheck = lastCheck;
    failQuietly(this);
    // An output that fails would be reported as an error of serializing it; the state gets the problem in words.
    this.registerOutputs(
      outcome.apply((result): pulumi.Inputs => {
        if (result.kind === "untouched") return { problem: result.problem };
        return {
          mode: this.mode,
          modeReason: this.modeReason,
          version: this.version,
          sha256: this.sha256,
          listeners: this.listeners,
          warnings: this.warnings,
          endpoints: this.endpoints,
          tlsFingerprint: this.tlsFingerprint,
          certificate: this.certificate,
          networks: this.networks,
          connections: this.connections,
          vpnFiles: this.vpnFiles,
          adminPassword: this.adminPassword,
          firewall: this.firewall,
          ...(result.kind === "passed" ? { lastCheck: result.check } : { problem: result.problem }),
        };
      }),
    );
  }
}

function endpointsOf(host: string, listeners: readonly ListenerReport[]): string[] {
  const name = host.includes(":") ? `[${host}]` : host;
  return listeners.filter(({ state }) => state === "Listening").map(({ port }) => `${name}:${port}`);
}
