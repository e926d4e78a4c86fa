import * as pulumi from "@pulumi/pulumi";
import { deliverRelease } from "../host/release-delivery.ts";
import type { Deployment } from "./deployment.ts";
import { promiseOf, textAmong } from "./output-values.ts";
import type { Reached } from "./reach.ts";

/** A hook that puts the executable on the host, as the engine is about to run the child's script there. */
export function deliveryHook(
  deployment: Deployment,
  { settings, artifacts }: Pick<Reached, "settings" | "artifacts">,
): pulumi.ResourceHookFunction {
  const target = promiseOf(pulumi.all([settings, artifacts]));
  return deployment.hook(async ({ newInputs }) => {
    const [settings, { releases }] = await target;
    const script = await textAmong(newInputs, "stdin");
    await deployment
      .withSession(settings, (session) =>
        deliverRelease(session, {
          script,
          artifacts: releases,
          progress: (message) => deployment.progress(message),
        }),
      )
      .catch((error: unknown) => deployment.fail(error));
  });
}
