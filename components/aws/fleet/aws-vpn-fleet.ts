import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../../arguments/argument-kind.ts";
import { DeclaredHubs } from "../../deployment/declared-hubs.ts";
import { failQuietly } from "../../deployment/deployment-error.ts";
import { makeAdminPassword } from "../../deployment/identity.ts";
import { connectionsOf, vpnFilesOf, type VpnConnection } from "../../outputs/vpn-connection.ts";
import { architectureOf } from "../newest-image.ts";
import { everywhere } from "../networks.ts";
import { Provision } from "../provision.ts";
import { checkFleetArguments, checkFleetLater, type AwsVpnFleetArgs } from "./fleet-arguments.ts";
import { fleetHubs } from "./fleet-hubs.ts";
import { fleetImage } from "./fleet-image.ts";
import { placeFleet } from "./fleet-placement.ts";
import { awsFleetChildren } from "./fleet-transforms.ts";
import { makeGroup } from "./group.ts";
import { balanceLoad } from "./load-balancer.ts";
import { uploadRelease } from "./releases.ts";
import type { AwsVpnFleetResourceOptions } from "./resource-options.ts";
import { fleetIdentity, storeSecrets } from "./secrets.ts";

/** With `scaling`, how many times as many instances there may be as at least. */
const usualGrowth = 3;

/**
 * A group of VPN servers on EC2 behind a load balancer, which AWS replaces and scales: all of them have the same hubs, users and
 * certificate, and clients see one server. Nobody dials the instances; each installs itself from S3 and Secrets Manager.
 *
 * Sessions on different instances do not see each other: it is for users who go out by SecureNAT.
 *
 * @example
 * const fleet = new AwsVpnFleet("exit", {
 *   users: [{ name: "alice", password }],
 *   scaling: { networkOutMbps: 200 },
 * });
 * export const vpnFiles = fleet.vpnFiles;
 */
export class AwsVpnFleet extends pulumi.ComponentResource {
  /** Where VPN clients connect: `publicHost`, or the load balancer's own name. */
  readonly address: pulumi.Output<string>;
  /** The load balancer's own name, for a CNAME or an alias record. */
  readonly dnsName: pulumi.Output<string>;
  /** Id of the hosted zone of `dnsName`, for an alias record of Route 53. */
  readonly dnsZoneId: pulumi.Output<string>;
  /** Where clients connect: `host:port` of each listener. */
  readonly endpoints: pulumi.Output<string[]>;
  /** Version of the server that instances install. */
  readonly version: pulumi.Output<string>;
  /** SHA-256 of its executable. */
  readonly sha256: pulumi.Output<string>;
  /** The TLS certificate of all instances in PEM. */
  readonly certificate: pulumi.Output<string>;
  /** SHA-256 fingerprint of the certificate, for clients that verify it. */
  readonly tlsFingerprint: pulumi.Output<string>;
  /** How each user connects. */
  readonly connections: pulumi.Output<VpnConnection[]>;
  /** Text of a `.vpn` file by hub and user, which `vpncmd AccountImport` takes; secret, because it holds credentials. */
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, string>>>;
  /** Password of the servers' administrator: the one that was given, or the one that was made. Secret. */
  readonly adminPassword: pulumi.Output<string | undefined>;
  /** Name of the Auto Scaling group. */
  readonly groupName: pulumi.Output<string>;
  /** Id of the image that instances begin with. */
  readonly ami: pulumi.Output<string>;
  /** The subnets of load balancer and instances. */
  readonly subnetIds: pulumi.Output<string[]>;
  /** Id of the security group of the instances. */
  readonly securityGroupId: pulumi.Output<string>;
  /** Name of the bucket of the executables. */
  readonly releaseBucket: pulumi.Output<string>;

  constructor(name: string, args: AwsVpnFleetArgs, opts: AwsVpnFleetResourceOptions = {}) {
    const { transform = {}, ...options } = opts;
    super("vpnserver:index:AwsVpnFleet", name, {}, options);
    const provision = new Provision(name, this, {
      kind: "AwsVpnFleet",
      region: args.region,
      tags: args.tags,
      transforms: transform,
      children: awsFleetChildren,
    });
    const attempt = <T>(work: () => T): T => provision.attempt(work);
    attempt(() => checkFleetArguments(args));

    const ports = [...new Set(args.listeners ?? [443, 992, 5555])];
    const minInstances = args.minInstances ?? 2;
    const scaling = args.scaling ?? undefined;
    const instanceType = checkFleetLater("instanceType", args.instanceType ?? "t3.small", attempt);
    const architecture = architectureOf(provision, instanceType);

    const hubs = fleetHubs(provision, args);
    const adminPassword = makeAdminPassword(provision, {
      ...(!isLeftOut(args.adminPassword) && { adminPassword: args.adminPassword }),
    });
    const identity = fleetIdentity(provision, args);
    const secrets = storeSecrets(provision, { identity, adminPassword, hubs });
    const releases = uploadRelease(
      provision,
      architecture,
      checkFleetLater("forceDestroy", args.forceDestroy ?? true, attempt),
    );

    const placement = placeFleet(provision, args, instanceType);
    const balanced = balanceLoad(provision, placement, {
      listeners: ports,
      vpnFrom: args.vpnFrom ?? everywhere,
      stickyAddresses: args.stickyAddresses ?? true,
      crossZone: checkFleetLater("crossZone", args.crossZone ?? true, attempt),
      drainSeconds: checkFleetLater("drainSeconds", args.drainSeconds ?? 300, attempt),
      terminationProtection: checkFleetLater(
        "terminationProtection",
        args.terminationProtection ?? false,
        attempt,
      ),
    });
    const imageId = fleetImage(provision, args, architecture);
    const group = makeGroup(provision, placement, balanced, {
      imageId,
      instanceType,
      releases,
      secrets,
      ports,
      sessionManager: args.sessionManager ?? false,
      minInstances,
      maxInstances: args.maxInstances ?? (scaling === undefined ? minInstances : minInstances * usualGrowth),
      scaling,
      minHealthyPercentage: checkFleetLater(
        "minHealthyPercentage",
        args.minHealthyPercentage ?? 100,
        attempt,
      ),
    });

    const { loadBalancer } = balanced;
    const publicHost = isLeftOut(args.publicHost)
      ? loadBalancer.dnsName
      : checkFleetLater("publicHost", args.publicHost, attempt);
    // A preview does not know the load balancer's name yet, and is to show that the hubs are public.
    const declaredHost = isLeftOut(args.publicHost) ? "its load balancer" : publicHost;
    new DeclaredHubs(name, { hubs, publicHost: declaredHost }, { parent: this, dependsOn: [group] });
    const listening = ports.map((port) => ({ port, state: "Listening" as const }));
    // What is not secret is kept apart, so that credentials do not make every output a secret.
    const accounts = pulumi.unsecret(
      hubs.apply(({ accounts }) => accounts.map(({ hub, user }) => ({ hub, user }))),
    );
    // Clients are told it when the fleet serves.
    this.address = pulumi.all([publicHost, group.arn]).apply(([host]) => host);
    this.dnsName = loadBalancer.dnsName;
    this.dnsZoneId = loadBalancer.zoneId;
    this.endpoints = this.address.apply((host) => ports.map((port) => `${host}:${port}`));
    this.version = releases.release.version;
    this.sha256 = releases.release.sha256;
    this.certificate = pulumi.unsecret(
      identity.apply(({ certificate }) => new X509Certificate(certificate).toString()),
    );
    this.tlsFingerprint = this.certificate.apply((pem) => new X509Certificate(pem).fingerprint256);
    this.connections = pulumi
      .all([accounts, this.address])
      .apply(([accounts, host]) => connectionsOf(accounts, host, listening));
    this.vpnFiles = pulumi.secret(
      pulumi
        .all([hubs, this.connections, this.certificate])
        .apply(([{ accounts }, connections, certificate]) => vpnFilesOf(accounts, connections, certificate)),
    );
    this.adminPassword = adminPassword;
    this.groupName = group.name;
    this.ami = imageId;
    this.subnetIds = placement.subnetIds;
    this.securityGroupId = balanced.securityGroup.id;
    this.releaseBucket = releases.bucket.bucket;
    failQuietly(this);
    this.registerOutputs({
      address: this.address,
      dnsName: this.dnsName,
      dnsZoneId: this.dnsZoneId,
      endpoints: this.endpoints,
      version: this.version,
      sha256: this.sha256,
      certificate: this.certificate,
      tlsFingerprint: this.tlsFingerprint,
      connections: this.connections,
      vpnFiles: this.vpnFiles,
      adminPassword: this.adminPassword,
      groupName: this.groupName,
      ami: this.ami,
      subnetIds: this.subnetIds,
      securityGroupId: this.securityGroupId,
      releaseBucket: this.releaseBucket,
    });
  }
}
