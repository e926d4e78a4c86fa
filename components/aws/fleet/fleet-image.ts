import * as pulumi from "@pulumi/pulumi";
import { isLeftOut } from "../../arguments/argument-kind.ts";
import { makeOnce } from "../../deployment/identity.ts";
import { AwsImage, type Architecture } from "../image.ts";
import { newestImage } from "../newest-image.ts";
import type { Provision } from "../provision.ts";
import { checkFleetLater, type AwsVpnFleetArgs } from "./fleet-arguments.ts";

/** Id of the image that instances begin with. */
export function fleetImage(
  provision: Provision,
  args: Pick<AwsVpnFleetArgs, "ami" | "image" | "updateImage">,
  architecture: pulumi.Output<Architecture>,
): pulumi.Output<string> {
  const attempt = <T>(work: () => T): T => provision.attempt(work);
  if (!isLeftOut(args.ami)) return checkFleetLater("ami", args.ami, attempt);
  const image = checkFleetLater("image", args.image ?? AwsImage.Debian13, attempt);
  const newest = newestImage(provision, image, architecture);
  if (args.updateImage === true) return newest;
  // Another image, or another processor, is remembered under a name of its own: the former one would not boot there.
  return pulumi
    .all([image, architecture])
    .apply(([image, architecture]) => makeOnce(provision, `${image}-${architecture}`, newest));
}
