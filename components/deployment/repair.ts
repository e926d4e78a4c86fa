import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { hostScript, scriptCommand } from "../host/host-script.ts";
import { childCommand } from "./child-command.ts";
import { deliveryHook } from "./delivery.ts";
import type { Deployment } from "./deployment.ts";
import { hasRealEngine, hooks } from "./engine-support.ts";
import type { Reached } from "./reach.ts";

/**
 * The child `-repair` puts a server right that is not well. As a rule nothing about it changes, whatever its inputs are; what the
 * check found makes it run. It is a resource, so that nothing is changed where the engine changes nothing: in a `refresh` that runs
 * the program, and for a server that is no target.
 *
 * @param problem what the check found, if anything
 */
export function repairServer(
  deployment: Deployment,
  host: Reached,
  problem: Promise<string | undefined>,
): command.remote.Command {
  const whenUnwell = <T>(value: T): Promise<T | undefined> =>
    problem.then((problem) => (problem === undefined ? undefined : value));
  const announce = deployment.hook(async () => {
    deployment.warn(`${await problem}; putting it right`);
  });
  return childCommand(
    deployment,
    host,
    "repair",
    {
      // Inputs that wait for the check, so the resource is registered after it.
      update: whenUnwell(`${scriptCommand("repair")} ${new Date().toISOString()}`) as Promise<string>,
      stdin: pulumi.secret(
        pulumi
          .all([host.script, host.desired])
          .apply(([script, desired]) =>
            whenUnwell(hostScript({ ...script, desired })),
          ) as pulumi.Output<string>,
      ),
    },
    {
      ignoreChanges: ["connection", "stdin", "update"],
      ...hooks({ beforeUpdate: [announce, deliveryHook(deployment, host)] }),
      ...(hasRealEngine() && {
        transforms: [
          async ({ props, opts }: pulumi.ResourceTransformArgs) =>
            (await problem) === undefined ? undefined : { props, opts: { ...opts, ignoreChanges: [] } },
        ],
      }),
    },
  );
}
