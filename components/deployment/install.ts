import * as pulumi from "@pulumi/pulumi";
import type { InstallResult } from "../../server/contract/install-result.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import { hostScript, scriptCommand } from "../host/host-script.ts";
import { installResultIn } from "../host/server-output.ts";
import { childCommand } from "./child-command.ts";
import { deliveryHook } from "./delivery.ts";
import type { Deployment } from "./deployment.ts";
import { hooks } from "./engine-support.ts";
import { textAmong } from "./output-values.ts";
import type { Reached } from "./reach.ts";
import { removalFailureHook } from "./removal-failure.ts";

/**
 * The child `-install` puts the server on the host, and takes it away when it is deleted.
 *
 * @param settings as they are declared, whether the host was reached or not
 */
export function installServer(
  deployment: Deployment,
  host: Reached,
  settings: pulumi.Output<DeploymentSettings>,
): pulumi.Output<InstallResult> {
  const deliver = deliveryHook(deployment, host);
  const tell = deployment.hook(async ({ newOutputs }) => {
    const { warnings } = installResultIn(await textAmong(newOutputs, "stdout"));
    for (const warning of warnings) deployment.warn(warning);
  });
  const removalFailure = removalFailureHook();
  const installing = childCommand(
    deployment,
    host,
    "install",
    {
      create: scriptCommand("install"),
      update: scriptCommand("install"),
      // Without this command the resource is deleted without a word to the host.
      delete: pulumi.unsecret(
        settings.apply(({ removal }) => (removal.uninstall ? scriptCommand("uninstall") : undefined)),
      ) as pulumi.Output<string>,
      stdin: host.script.apply(hostScript),
    },
    hooks({
      beforeCreate: [deliver],
      beforeUpdate: [deliver],
      afterCreate: [tell],
      afterUpdate: [tell],
      ...(removalFailure && { onError: [removalFailure] }),
    }),
  );
  return pulumi.unsecret(installing.stdout).apply(installResultIn);
}
