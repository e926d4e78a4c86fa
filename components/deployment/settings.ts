import * as pulumi from "@pulumi/pulumi";
import { ArgumentProblems } from "../arguments/argument-error.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import { resolveHubs, type DesiredHubs } from "../arguments/desired-hubs.ts";
import { checkArgumentNames, resolveSettings, type VpnServerArgs } from "../arguments/server-arguments.ts";
import { resolveCertificate, type ServerCertificate } from "../arguments/server-certificate.ts";
import type { Deployment } from "./deployment.ts";

/** Checks the arguments, in a preview too, apart from those that are secret: these may be unknown in a preview. */
export function checkSettings(
  deployment: Deployment,
  args: VpnServerArgs,
): pulumi.Output<DeploymentSettings> {
  const { hubs: _, adminPassword: __, certificate: ___, privateKey: ____, ...others } = args;
  return deployment.check(pulumi.output(others), (values) => {
    const problems = new ArgumentProblems();
    problems.add(...checkArgumentNames(args));
    const settings = problems.collect(() => resolveSettings(values));
    problems.throwIfAny();
    return settings as DeploymentSettings;
  });
}

export function checkHubs(
  deployment: Deployment,
  { hubs = [] }: Pick<VpnServerArgs, "hubs">,
): pulumi.Output<DesiredHubs> {
  return pulumi.secret(deployment.check(pulumi.output(hubs), resolveHubs));
}

/** The server's own certificate, where one is given. */
export function checkCertificate(
  deployment: Deployment,
  { certificate, privateKey }: Pick<VpnServerArgs, "certificate" | "privateKey">,
): pulumi.Output<ServerCertificate | undefined> {
  return pulumi.secret(
    deployment.check(pulumi.output({ certificate, privateKey }), (values) => resolveCertificate(values)),
  );
}
