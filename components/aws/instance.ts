import { Instance } from "@pulumi/aws/ec2/instance.js";
import { getInstanceTypeOutput } from "@pulumi/aws/ec2/getInstanceType.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { getParameterOutput } from "@pulumi/aws/ssm/getParameter.js";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../arguments/argument-kind.ts";
import type { AwsVpnServerArgs } from "./aws-server-arguments.ts";
import { architectureAmong, imageParameter, type AwsImage } from "./image.ts";
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

/** The instance. It goes on with the image and the user data that it began with, unless `updateImage` says otherwise. */
export function makeInstance(provision: Provision, args: InstanceArguments, parts: InstanceParts): Instance {
  const { placement, sshKey, hostKey } = parts;
  const keyPair = provision.make("keyPair", KeyPair, "key-pair", {
    publicKey: pulumi.unsecret(sshKey.apply(sshPublicKeyOf)),
    tags: provision.tags("key-pair"),
    ...provision.region,
  });
  const profile = args.sessionManager === true ? makeProfile(provision) : args.instanceProfile;
  const updateImage = args.updateImage ?? false;
  return provision.make(
    "instance",
    Instance,
    "instance",
    {
      ami: args.ami ?? newestImage(provision, parts),
      instanceType: parts.instanceType,
      subnetId: placement.subnetId,
      vpcSecurityGroupIds: [parts.securityGroupId],
      keyName: keyPair.keyName,
      userData: pulumi.secret(
        hostKey.apply((privateKey) => userData({ privateKey, publicKey: sshPublicKeyOf(privateKey) })),
      ),
      userDataReplaceOnChange: updateImage,
      // No session token leaves the instance, such as for a client that comes out of SecureNAT.
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
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

/** The newest version of the image for the processor of the instance type. */
function newestImage(
  provision: Provision,
  { instanceType, image }: Pick<InstanceParts, "instanceType" | "image">,
): pulumi.Output<string> {
  const { region, invoking } = provision;
  const type = getInstanceTypeOutput({ instanceType, ...region }, invoking);
  const name = pulumi
    .all([instanceType, image, type.supportedArchitectures])
    .apply(([instanceType, image, supported]) =>
      provision.attempt(() => imageParameter(image, architectureAmong(supported, instanceType))),
    );
  // The provider takes every parameter for a secret; the id of a public image is none.
  return pulumi.unsecret(getParameterOutput({ name, ...region }, invoking).value);
}

/** A role by which Session Manager, and nobody else, works with the instance. */
function makeProfile(provision: Provision): pulumi.Output<string> {
  const role = provision.make("role", Role, "role", {
    assumeRolePolicy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
    }),
    description: `VPN server ${provision.name}`,
    tags: provision.tags("role"),
  });
  provision.make("rolePolicy", RolePolicyAttachment, "role-policy", {
    role: role.name,
    policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
  });
  return provision.make("instanceProfile", InstanceProfile, "instance-profile", {
    role: role.name,
    tags: provision.tags("instance-profile"),
  }).name;
}
