import * as pulumi from "@pulumi/pulumi";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import { lookAtHost } from "../host/host-look.ts";
import { messageOf } from "../ssh/error-message.ts";
import { commandConnection, type SshConnection } from "../ssh/ssh-connection.ts";
import type { Deployment } from "./deployment.ts";
import type { Target } from "./target.ts";

/** A host that was reached, or was not. */
export interface Reached extends Omit<Target, "settings"> {
  /** The settings of a host that the server can be deployed to; rejects otherwise. */
  readonly settings: pulumi.Output<DeploymentSettings>;
  readonly connection: pulumi.Output<CommandConnection>;
  /** Why the server cannot be deployed there. */
  readonly problem: pulumi.Output<string | undefined>;
}

/**
 * Reaches the host on `up` and looks whether the server can be deployed there, before any resource is registered: a failed resource
 * would stop the engine, and with it other hosts, while a failed program only ends the update when all else is done.
 */
export function reachHost(deployment: Deployment, target: Target): Reached {
  const reach = look(deployment, target);
  const settings = reach.apply(({ settings, problem }) =>
    problem === undefined ? settings : deployment.fail(problem),
  );
  return {
    ...target,
    settings,
    connection: pulumi.secret(settings.apply((values) => patientConnection(values.connection))),
    problem: reach.apply(({ problem }) => problem),
  };
}

interface Look {
  readonly settings: DeploymentSettings;
  readonly problem?: string;
}

function look(deployment: Deployment, { settings, desired, script }: Target): pulumi.Output<Look> {
  if (pulumi.runtime.isDryRun()) return settings.apply((settings) => ({ settings }));
  // What is desired is waited for too: what is wrong with it is told before the host is dialled.
  return pulumi.all([settings, script, desired]).apply(async ([settings, script]) => {
    const problem = await deployment
      .withSession(settings, (session) => lookAtHost(session, script))
      .then(() => undefined, messageOf);
    return { settings, ...(problem !== undefined && { problem }) };
  });
}

export type CommandConnection = ReturnType<typeof patientConnection>;

/**
 * The connection in the form of `@pulumi/command`, with little patience: a host is waited for before. When a resource is deleted,
 * nobody has waited, and a host that is gone is told of in half a minute.
 */
function patientConnection(connection: SshConnection) {
  const patience = { dialErrorLimit: 2, perDialTimeout: 8 };
  const { proxy, ...endpoint } = commandConnection(connection);
  return { ...endpoint, ...patience, ...(proxy && { proxy: { ...proxy, ...patience } }) };
}
