import * as pulumi from "@pulumi/pulumi";
import { parseHostKey } from "../arguments/host-key.ts";
import { isLeftOut } from "../arguments/argument-kind.ts";
import { DeploymentMode } from "../arguments/deployment-settings.ts";
import type { HubArgs } from "../arguments/hub-arguments.ts";
import { failQuietly } from "../deployment/deployment-error.ts";
import { outcomeOf, recordOutcome } from "../deployment/deployment-outcome.ts";
import { makeOnce } from "../deployment/identity.ts";
import type { CheckReport } from "../outputs/check-report.ts";
import type { FirewallReport } from "../outputs/firewall-report.ts";
import type { NetworkReport } from "../outputs/network-report.ts";
import type { VpnConnection } from "../outputs/vpn-connection.ts";
import type { SshConnection } from "../ssh/ssh-connection.ts";
import { VpnServer } from "../vpn-server.ts";
import { associateAddress } from "./address.ts";
import { checkAwsArguments, checkLater, type AwsVpnServerArgs } from "./aws-server-arguments.ts";
import { awsServerChildren, serverTransformsOf } from "./aws-transforms.ts";
import { awaitFirstBoot } from "./first-boot.ts";
import { AwsImage, loginUserOf } from "./image.ts";
import { makeInstance } from "./instance.ts";
import { everywhere } from "./networks.ts";
import { placeInstance } from "./placement.ts";
import { Provision } from "./provision.ts";
import type { AwsVpnServerResourceOptions } from "./resource-options.ts";
import { makeSecurityGroup } from "./security-group.ts";
import { makeSshPrivateKey, sshPublicKeyOf } from "./ssh-key-pair.ts";
import { attachState } from "./state-volume.ts";

/**
 * A VPN server on an EC2 instance that is made for it: security group, key pair, Elastic IP, a volume for the server's state, and a
 * `VpnServer` on it. A replaced instance is the same server for its clients.
 *
 * @example
 * const server = new AwsVpnServer("edge", {
 *   sshFrom: ["203.0.113.7/32"],
 *   users: [{ name: "alice", password }],
 * });
 * export const vpnFiles = server.vpnFiles;
 */
export class AwsVpnServer extends pulumi.ComponentResource {
  /** The Elastic IP. */
  readonly publicIp: pulumi.Output<string>;
  /** Id of the instance. */
  readonly instanceId: pulumi.Output<string>;
  /** Id of the image that the instance began with. */
  readonly ami: pulumi.Output<string>;
  /** The zone of instance and state. */
  readonly availabilityZone: pulumi.Output<string>;
  /** Id of the security group. */
  readonly securityGroupId: pulumi.Output<string>;
  /** Id of the volume with the server's state. */
  readonly stateVolumeId: pulumi.Output<string>;
  /** The user who may log in over SSH. */
  readonly sshUser: pulumi.Output<string>;
  /** The key that this user logs in with, in OpenSSH form. Secret. */
  readonly sshPrivateKey: pulumi.Output<string>;
  /** The host key of the instance, in authorized_keys form. */
  readonly sshHostKey: pulumi.Output<string>;
  /** Version of the server on the instance. */
  readonly version: pulumi.Output<string>;
  /** What is not as it could be on the instance, though the server serves. */
  readonly warnings: pulumi.Output<string[]>;
  /** Where clients connect: `host:port` of each listener that serves. */
  readonly endpoints: pulumi.Output<string[]>;
  /** SHA-256 fingerprint of the server's TLS certificate, for clients that verify it. */
  readonly tlsFingerprint: pulumi.Output<string>;
  /** The server's TLS certificate in PEM. */
  readonly certificate: pulumi.Output<string>;
  /** The networks that hubs with SecureNAT give their clients. */
  readonly networks: pulumi.Output<NetworkReport[]>;
  /** How each user connects. */
  readonly connections: pulumi.Output<VpnConnection[]>;
  /** Text of a `.vpn` file by hub and user, which `vpncmd AccountImport` takes; secret, because it holds credentials. */
  readonly vpnFiles: pulumi.Output<Record<string, Record<string, string>>>;
  /** Password of the server's administrator: the one that was given, or the one that was made. Secret. */
  readonly adminPassword: pulumi.Output<string | undefined>;
  /** What was done about the firewall of the instance itself. */
  readonly firewall: pulumi.Output<FirewallReport>;
  /** What the check at the end of the last `pulumi up` found; it says nothing of the time since. Unknown in a preview. */
  readonly lastCheck: pulumi.Output<CheckReport>;

  constructor(name: string, args: AwsVpnServerArgs, opts: AwsVpnServerResourceOptions = {}) {
    const { transform = {}, ...options } = opts;
    super("vpnserver:index:AwsVpnServer", name, {}, options);
    const provision = new Provision(name, this, {
      kind: "AwsVpnServer",
      region: args.region,
      tags: args.tags,
      transforms: transform,
      children: awsServerChildren,
      serverTransforms: serverTransformsOf(transform),
    });
    const attempt = <T>(work: () => T): T => provision.attempt(work);
    attempt(() => checkAwsArguments(args));

    const listeners = args.listeners ?? [443, 992, 5555];
    const instanceType = checkLater("instanceType", args.instanceType ?? "t3.small", attempt);
    const image = checkLater("image", args.image ?? AwsImage.Debian13, attempt);
    const size = checkLater("stateVolumeGiB", args.stateVolumeGiB ?? 8, attempt);
    const stateDirectory = checkLater("stateDirectory", args.stateDirectory ?? "/var/lib/vpnserver", attempt);
    const user = isLeftOut(args.loginUser)
      ? image.apply(loginUserOf)
      : checkLater("loginUser", args.loginUser, attempt);

    const sshKey = pulumi.secret(makeOnce(provision, "ssh-key", pulumi.secret(makeSshPrivateKey())));
    const hostKey = pulumi.secret(makeOnce(provision, "host-key", pulumi.secret(makeSshPrivateKey())));
    const hostPublicKey = pulumi.unsecret(hostKey.apply(sshPublicKeyOf));

    const placement = placeInstance(provision, args, instanceType);
    const securityGroup = makeSecurityGroup(provision, placement, {
      listeners,
      vpnFrom: args.vpnFrom ?? everywhere,
      sshFrom: args.sshFrom,
    });
    const instance = makeInstance(provision, args, {
      instanceType,
      image,
      placement,
      securityGroupId: securityGroup.id,
      sshKey,
      hostKey,
    });
    const state = attachState(provision, instance, { placement, size });
    const publicIp = associateAddress(provision, instance);

    const connection = pulumi.secret(
      pulumi
        .all([publicIp, user, sshKey, hostPublicKey])
        .apply(([host, user, privateKey, hostKey]): SshConnection => ({
          host,
          port: 22,
          user,
          privateKey,
          hostKey: parseHostKey(hostKey, "sshHostKey"),
        })),
    );
    const firstBoot = awaitFirstBoot(
      provision,
      connection,
      pulumi
        .all([state.volume.id, state.volume.size, stateDirectory])
        .apply(([volumeId, volumeGiB, stateDirectory]) => ({ volumeId, volumeGiB, stateDirectory })),
      [instance.id, state.attachment.id],
    );

    const server = new VpnServer(
      provision.nameOf("server"),
      {
        ...serverArguments(args),
        mode: checkLater("mode", args.mode ?? DeploymentMode.Service, attempt).apply(
          () => DeploymentMode.Service,
        ),
        listeners,
        stateDirectory,
        connection: pulumi
          .all([connection, hostPublicKey, firstBoot.id])
          .apply(([{ host, user, privateKey }, hostKey]) => ({
            host,
            user,
            privateKey: privateKey as string,
            hostKey,
          })),
      },
      {
        parent: this,
        transform: {
          ...serverTransformsOf(transform),
          // The instance takes its server along: nobody dials it for that.
          install: (child) => {
            const changed = transform.install?.(child);
            return { ...changed, opts: { deletedWith: instance, ...changed?.opts } };
          },
        },
      },
    );

    recordOutcome(this, outcomeOf(server));
    this.publicIp = publicIp;
    this.instanceId = instance.id;
    this.ami = instance.ami;
    this.availabilityZone = instance.availabilityZone;
    this.securityGroupId = securityGroup.id;
    this.stateVolumeId = state.volume.id;
    this.sshUser = user;
    this.sshPrivateKey = sshKey;
    this.sshHostKey = hostPublicKey;
    this.version = server.version;
    this.warnings = server.warnings;
    this.endpoints = server.endpoints;
    this.tlsFingerprint = server.tlsFingerprint;
    this.certificate = server.certificate;
    this.networks = server.networks;
    this.connections = server.connections;
    this.vpnFiles = server.vpnFiles;
    this.adminPassword = server.adminPassword;
    this.firewall = server.firewall;
    this.lastCheck = server.lastCheck;
    failQuietly(this);
    const made = {
      publicIp: this.publicIp,
      instanceId: this.instanceId,
      ami: this.ami,
      availabilityZone: this.availabilityZone,
      securityGroupId: this.securityGroupId,
      stateVolumeId: this.stateVolumeId,
      sshUser: this.sshUser,
      sshPrivateKey: this.sshPrivateKey,
      sshHostKey: this.sshHostKey,
    };
    // An output that fails would be reported as an error of serializing it; the state gets the problem in words.
    this.registerOutputs(
      outcomeOf(server).apply((result): pulumi.Inputs => {
        if (result.kind === "untouched") return { ...made, problem: result.problem };
        return {
          ...made,
          version: this.version,
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

/** What is handed to the server as it is. */
function serverArguments(args: AwsVpnServerArgs) {
  const { users } = args;
  const hubs: { hubs?: pulumi.Input<pulumi.Input<HubArgs>[]> } = isLeftOut(users)
    ? {}
    : { hubs: [{ name: "DEFAULT", users }] };
  const {
    users: _users,
    listeners: _listeners,
    sshFrom: _sshFrom,
    allowSshFromAnywhere: _allow,
    vpnFrom: _vpnFrom,
    instanceType: _type,
    image: _image,
    ami: _ami,
    loginUser: _user,
    updateImage: _update,
    subnetId: _subnet,
    vpcId: _vpc,
    region: _region,
    stateVolumeGiB: _size,
    terminationProtection: _protection,
    sessionManager: _manager,
    instanceProfile: _profile,
    tags: _tags,
    mode: _mode,
    stateDirectory: _directory,
    ...others
  } = args;
  return { ...others, ...hubs };
}
