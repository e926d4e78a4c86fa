import { Volume } from "@pulumi/aws/ebs/volume.js";
import type { Instance } from "@pulumi/aws/ec2/instance.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Placement } from "./placement.ts";
import type { Provision } from "./provision.ts";

export interface StateVolume {
  readonly volume: Volume;
  readonly attachment: VolumeAttachment;
}

/**
 * The volume with configuration, certificate, keys and logs, which outlives the instance. Where it is given another zone it stays where it
 * is, and the attachment fails: a volume in the other zone would be an empty one.
 */
export function attachState(
  provision: Provision,
  instance: Instance,
  values: { readonly placement: Placement; readonly size: pulumi.Output<number> },
): StateVolume {
  const volume = provision.make(
    "stateVolume",
    Volume,
    "state",
    {
      availabilityZone: values.placement.availabilityZone,
      size: values.size,
      type: "gp3",
      encrypted: true,
      tags: provision.tags("state"),
      ...provision.region,
    },
    { ignoreChanges: ["availabilityZone"] },
  );
  const attachment = provision.make(
    "stateAttachment",
    VolumeAttachment,
    "state-attachment",
    {
      instanceId: instance.id,
      volumeId: volume.id,
      deviceName: "/dev/sdf",
      // The server has written everything then, and nothing holds the volume.
      stopInstanceBeforeDetaching: true,
      ...provision.region,
    },
    // A volume is attached to one instance at a time.
    { deleteBeforeReplace: true },
  );
  return { volume, attachment };
}
