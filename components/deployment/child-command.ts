import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { transformChild, type ChildName } from "./child-transform.ts";
import type { Deployment } from "./deployment.ts";
import type { Reached } from "./reach.ts";

/**
 * A child of the server that runs a command on the host, which gets its secrets on standard input.
 *
 * @param args that no transform may change, as none may change `opts`
 */
export function childCommand(
  deployment: Deployment,
  { connection }: Pick<Reached, "connection">,
  child: ChildName,
  args: Pick<command.remote.CommandArgs, "create" | "update" | "delete" | "stdin">,
  opts: pulumi.CustomResourceOptions,
): command.remote.Command {
  const name = `${deployment.name}-${child}`;
  const changed = deployment.attempt(() =>
    transformChild(deployment.transforms, child, { name, args: { connection, logging: "stderr" }, opts: {} }),
  );
  return new command.remote.Command(
    name,
    { ...changed.args, ...args, addPreviousOutputInEnv: false },
    { ...changed.opts, ...opts, parent: deployment.server },
  );
}
