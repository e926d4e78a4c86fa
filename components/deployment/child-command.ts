import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Deployment } from "./deployment.ts";
import type { Reached } from "./reach.ts";

/** A child of the server that runs a command on the host, which gets its secrets on standard input. */
export function childCommand(
  { name, server }: Deployment,
  { connection }: Pick<Reached, "connection">,
  child: string,
  args: Pick<command.remote.CommandArgs, "create" | "update" | "delete" | "stdin">,
  opts: pulumi.CustomResourceOptions,
): command.remote.Command {
  const always = { connection, addPreviousOutputInEnv: false, logging: "stderr" } as const;
  return new command.remote.Command(`${name}-${child}`, { ...always, ...args }, { ...opts, parent: server });
}
