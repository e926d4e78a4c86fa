import { getInstanceTypeOutput } from "@pulumi/aws/ec2/getInstanceType.js";
import { getParameterOutput } from "@pulumi/aws/ssm/getParameter.js";
import * as pulumi from "@pulumi/pulumi";
import { architectureAmong, imageParameter, type Architecture, type AwsImage } from "./image.ts";
import type { Provision } from "./provision.ts";

/** What an instance type runs, looked up: its name does not tell it. */
export function architectureOf(
  provision: Provision,
  instanceType: pulumi.Output<string>,
): pulumi.Output<Architecture> {
  const { region, invoking } = provision;
  const type = getInstanceTypeOutput({ instanceType, ...region }, invoking);
  return pulumi
    .all([instanceType, type.supportedArchitectures])
    .apply(([instanceType, supported]) =>
      provision.attempt(() => architectureAmong(supported, instanceType)),
    );
}

/** The newest version of an image for a processor. */
export function newestImage(
  provision: Provision,
  image: pulumi.Output<AwsImage>,
  architecture: pulumi.Output<Architecture>,
): pulumi.Output<string> {
  const { region, invoking } = provision;
  const name = pulumi
    .all([image, architecture])
    .apply(([image, architecture]) => imageParameter(image, architecture));
  // The provider takes every parameter for a secret; the id of a public image is none.
  return pulumi.unsecret(getParameterOutput({ name, ...region }, invoking).value);
}
