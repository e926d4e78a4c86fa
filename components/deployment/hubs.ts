import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { ApplyResult } from "../../server/contract/apply-result.ts";
import type { InstallResult } from "../../server/contract/install-result.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import type { DesiredHubs } from "../arguments/desired-hubs.ts";
import { applyCommand, hostScript } from "../host/host-script.ts";
import { restoreLostServer } from "../host/release-delivery.ts";
import { applyResultIn } from "../host/server-output.ts";
import { childCommand } from "./child-command.ts";
import { DeclaredHubs } from "./declared-hubs.ts";
import type { Deployment } from "./deployment.ts";
import { hooks } from "./engine-support.ts";
import { promiseOf, textAmong } from "./output-values.ts";
import type { Reached } from "./reach.ts";

/** The child `-hubs` makes the hubs, and what else is desired of the server, as declared; `-declared-hubs` shows what that is. */
export function applyHubs(
  deployment: Deployment,
  host: Reached,
  values: {
    readonly settings: pulumi.Output<DeploymentSettings>;
    readonly hubs: pulumi.Output<DesiredHubs>;
    readonly installed: pulumi.Output<InstallResult>;
  },
): pulumi.Output<ApplyResult> {
  const { settings, hubs, installed } = values;
  const user = pulumi.unsecret(settings.apply(({ connection }) => connection.user));
  const applying = childCommand(
    deployment,
    host,
    "hubs",
    {
      create: pulumi.all([installed, user]).apply(([installed, user]) => applyCommand(installed, user)),
      stdin: host.desired,
    },
    hooks({ beforeUpdate: [restoreHook(deployment, host)], afterUpdate: [certificateHook(deployment)] }),
  );
  showDeclared(deployment, { settings, hubs }, applying);
  return pulumi.unsecret(applying.stdout).apply(applyResultIn);
}

/** Nothing about the installation need have changed here, and it may be gone there. */
function restoreHook(deployment: Deployment, host: Reached): pulumi.ResourceHookFunction {
  const target = promiseOf(pulumi.all([host.settings, host.artifacts, host.script]));
  return deployment.hook(async () => {
    const [settings, { releases }, script] = await target;
    await deployment
      .withSession(settings, (session) =>
        restoreLostServer(session, {
          script: hostScript(script),
          artifacts: releases,
          installTimeoutMs: settings.install.healthTimeoutSeconds * 1000,
          progress: (message) => deployment.progress(message),
        }),
      )
      .catch((error: unknown) => deployment.fail(error));
  });
}

/** Tells of a certificate that nobody has changed here. */
function certificateHook(deployment: Deployment): pulumi.ResourceHookFunction {
  return deployment.hook(async ({ oldOutputs, newOutputs }) => {
    const before = await formerCertificate(oldOutputs);
    const now = applyResultIn(await textAmong(newOutputs, "stdout"));
    if (!now.changes.some((change) => change.startsWith("certificate of the server"))) {
      deployment.warnOfCertificate(before, now.certificate);
    }
  });
}

/** The certificate that the state knows of; a later release may have written it in a form that is not known here. */
async function formerCertificate(outputs: unknown): Promise<string | undefined> {
  const stdout = await textAmong(outputs, "stdout");
  try {
    return applyResultIn(stdout).certificate;
  } catch {
    return undefined;
  }
}

function showDeclared(
  { name, server }: Deployment,
  values: { readonly settings: pulumi.Output<DeploymentSettings>; readonly hubs: pulumi.Output<DesiredHubs> },
  applying: command.remote.Command,
): void {
  const { hubs, settings } = values;
  const publicHost = pulumi.unsecret(settings).apply(({ publicHost }) => publicHost);
  // What is declared is on the host then, and what could not be applied shows in the next preview again.
  new DeclaredHubs(name, { hubs, publicHost }, { parent: server, dependsOn: [applying] });
}
