import type { PolicyArgs } from "@pulumi/aws/autoscaling/policy.js";
import type * as pulumi from "@pulumi/pulumi";
import type { FleetScalingArgs } from "./fleet-arguments.ts";

/** Whether the group has to tell how many instances it has. */
export function usesConnections(scaling: FleetScalingArgs | undefined): boolean {
  return scaling?.connectionsPerInstance !== undefined;
}

/**
 * The target that a group is kept at.
 *
 * @param names of the group, and of the load balancer as CloudWatch has it (`net/NAME/ID`)
 */
export function scalingTarget(
  { networkOutMbps, connectionsPerInstance }: FleetScalingArgs,
  names: { readonly group: pulumi.Output<string>; readonly loadBalancer: pulumi.Output<string> },
): NonNullable<PolicyArgs["targetTrackingConfiguration"]> {
  if (networkOutMbps !== undefined) {
    return {
      predefinedMetricSpecification: { predefinedMetricType: "ASGAverageNetworkOut" },
      // AWS counts the bytes of a minute.
      targetValue: (networkOutMbps * 1_000_000 * 60) / 8,
    };
  }
  const metric = (
    id: string,
    namespace: string,
    metricName: string,
    dimension: { name: string; value: pulumi.Output<string> },
  ) => ({
    id,
    metricStat: { metric: { namespace, metricName, dimensions: [dimension] }, stat: "Average" },
    returnData: false,
  });
  return {
    customizedMetricSpecification: {
      metrics: [
        metric("connections", "AWS/NetworkELB", "ActiveFlowCount_TCP", {
          name: "LoadBalancer",
          value: names.loadBalancer,
        }),
        metric("instances", "AWS/AutoScaling", "GroupInServiceInstances", {
          name: "AutoScalingGroupName",
          value: names.group,
        }),
        {
          id: "each",
          expression: "connections / instances",
          label: "connections per instance",
          returnData: true,
        },
      ],
    },
    targetValue: connectionsPerInstance ?? 0,
  };
}
