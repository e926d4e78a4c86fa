import { Instance } from "@pulumi/aws/ec2/instance.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../arguments/argument-kind.ts";
import type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
import type { AwsImage } from "./image.ts";
import { makeInstanceRole } from "./instance-role.ts";
import { architectureOf, newestImage } from "./newest-image.ts";
import { namePrefixWhereNeeded } from "./physical-names.ts";
import type { Placement } from "./placement.ts";
import type { Provision } from "./provision.ts";
import { sshPublicKeyOf } from "./ssh-key-pair.ts";
import { userData } from "./user-data.ts";

export interface InstanceParts {
  readonly instanceType: pulumi.Output<string>;
  readonly image: pulumi.Output<AwsImage>;
  readonly placement: Placement;
  readonly securityGroupId: pulumi.Output<string>;
  /** Private keys in OpenSSH form; secret. */
  readonly sshKey: pulumi.Output<string>;
  readonly hostKey: pulumi.Output<string>;
}

type InstanceArguments = Pick<
  AwsVpnServerArgs,
  "ami" | "updateImage" | "terminationProtection" | "sessionManager" | "instanceProfile"
>;

/** No session token leaves the instance, such as for a client whose packets it routes. */
export const metadataOptions = {
  httpEndpoint: "enabled",
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
} as const;

/** The instance. It goes on with the image and the user data that it began with, unless `updateImage` says otherwise. */
export function makeInstance(provision: Provision, args: InstanceArguments, parts: InstanceParts): Instance {
  const { placement, sshKey, hostKey } = parts;
  const { prefix } = namePrefixWhereNeeded("keyPair", provision.nameOf("key-pair"));
  const keyPair = provision.make("keyPair", KeyPair, "key-pair", {
    ...(prefix !== undefined && { keyNamePrefix: prefix }),
    publicKey: pulumi.unsecret(sshKey.apply(sshPublicKeyOf)),
    tags: provision.tags("key-pair"),
    ...provision.region,
  });
  const profile =
    args.sessionManager === true
      ? makeInstanceRole(provision, { sessionManager: true }).profile.name
      : args.instanceProfile;
  const updateImage = args.updateImage ?? false;
  return provision.make(
    "instance",
    Instance,
    "instance",
    {
      ami: args.ami ?? newestImage(provision, parts.image, architectureOf(provision, parts.instanceType)),
      instanceType: parts.instanceType,
      subnetId: placement.subnetId,
      vpcSecurityGroupIds: [parts.securityGroupId],
      keyName: keyPair.keyName,
      userData: pulumi.secret(
        hostKey.apply((privateKey) => userData({ privateKey, publicKey: sshPublicKeyOf(privateKey) })),
      ),
      userDataReplaceOnChange: updateImage,
      metadataOptions,
      rootBlockDevice: {
        encrypted: true,
        volumeType: "gp3",
        deleteOnTermination: true,
        tags: provision.tags("root"),
      },
      disableApiTermination: args.terminationProtection ?? false,
      ...(!isLeftOut(profile) && { iamInstanceProfile: profile }),
      tags: provision.tags("instance"),
      ...provision.region,
    },
    updateImage ? {} : { ignoreChanges: ["ami", "userData"] },
  );
}
