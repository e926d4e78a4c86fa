import { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../../arguments/argument-error.ts";
import { isLeftOut } from "../../arguments/argument-kind.ts";
import type { DesiredHubs } from "../../arguments/desired-hubs.ts";
import type { ServerCertificate } from "../../arguments/server-certificate.ts";
import { makeOnce } from "../../deployment/identity.ts";
import { checkCertificate } from "../../deployment/settings.ts";
import { nameWhereNeeded } from "../physical-names.ts";
import type { Provision } from "../provision.ts";
import type { AwsVpnFleetArgs } from "./fleet-arguments.ts";
import { makeSelfSigned, splitIdentity } from "./self-signed.ts";

/** What Secrets Manager takes as one secret. */
const mostBytes = 65_536;

/** A secret that the instances read, in the version that they read. */
export interface FleetSecret {
  readonly arn: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
}

/** The certificate and key that all instances have: the given ones, or ones that are made once. */
export function fleetIdentity(
  provision: Provision,
  args: Pick<AwsVpnFleetArgs, "certificate" | "privateKey">,
): pulumi.Output<ServerCertificate> {
  if (isLeftOut(args.certificate) && isLeftOut(args.privateKey)) {
    const made = pulumi.secret(pulumi.output(makeSelfSigned(provision.name)));
    return pulumi.secret(makeOnce(provision, "certificate", made)).apply(splitIdentity);
  }
  return checkCertificate(provision, args).apply(
    (given) =>
      given ??
      provision.fail(
        new ArgumentError(["certificate and privateKey have no value: give both, or leave both out"]),
      ),
  );
}

/**
 * What the servers are to be, in two secrets: the identity, which stays, and the state, which changes. Together they are what
 * `vpnserver apply` takes.
 */
export function storeSecrets(
  provision: Provision,
  values: {
    readonly identity: pulumi.Output<ServerCertificate>;
    readonly adminPassword: pulumi.Output<string | undefined>;
    readonly hubs: pulumi.Output<DesiredHubs>;
  },
): readonly [FleetSecret, FleetSecret] {
  const identity = values.identity.apply((identity) => JSON.stringify(identity));
  const state = pulumi
    .all([values.adminPassword, values.hubs])
    .apply(([adminPassword, { hubs }]) => JSON.stringify({ adminPassword, hubs }));
  return [
    storeSecret(provision, "identity", "certificate and key", "certificate and privateKey", identity),
    storeSecret(provision, "state", "hubs, users and administrator's password", "hubs", state),
  ];
}

function storeSecret(
  provision: Provision,
  suffix: string,
  content: string,
  argument: string,
  text: pulumi.Output<string>,
): FleetSecret {
  const secret = provision.make("secret", Secret, suffix, {
    ...nameWhereNeeded("secret", provision.nameOf(suffix)),
    description: `VPN server ${provision.name}: ${content}`,
    // All of it is in the state of the stack too.
    recoveryWindowInDays: 0,
    tags: provision.tags(suffix),
    ...provision.region,
  });
  const version = provision.make(
    "secretVersion",
    SecretVersion,
    `${suffix}-version`,
    {
      secretId: secret.arn,
      secretString: pulumi.secret(text.apply((text) => provision.attempt(() => checkSize(argument, text)))),
      ...provision.region,
    },
    // The former one has to be there when AWS goes back to it; it goes with the secret.
    { retainOnDelete: true },
  );
  return { arn: secret.arn, version: version.versionId };
}

/** @throws ArgumentError when Secrets Manager would not take it */
export function checkSize(argument: string, text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostBytes) return text;
  throw new ArgumentError([
    `${argument} takes ${bytes} bytes as JSON, and a secret of Secrets Manager holds ${mostBytes}: make several fleets, each with a part ` +
      "of the users, or let them log in as one user for each group of people",
  ]);
}
