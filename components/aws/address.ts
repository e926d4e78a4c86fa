import { Eip } from "@pulumi/aws/ec2/eip.js";
import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
import type { Instance } from "@pulumi/aws/ec2/instance.js";
import * as pulumi from "@pulumi/pulumi";
import type { Provision } from "./provision.ts";

/** The address, which outlives the instance. Resolves when it leads there. */
export function associateAddress(provision: Provision, instance: Instance): pulumi.Output<string> {
  const address = provision.make("address", Eip, "address", {
    domain: "vpc",
    tags: provision.tags("address"),
    ...provision.region,
  });
  const association = provision.make(
    "addressAssociation",
    EipAssociation,
    "address-association",
    { allocationId: address.id, instanceId: instance.id, ...provision.region },
    // The end of the former association would be the end of the new one.
    { deleteBeforeReplace: true },
  );
  return pulumi.all([address.publicIp, association.id]).apply(([publicIp]) => publicIp);
}
