import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { hooks } from "../deployment/engine-support.ts";
import { promiseOf } from "../deployment/output-values.ts";
import { messageOf } from "../ssh/error-message.ts";
import { commandConnection, describeEndpoint, type SshConnection } from "../ssh/ssh-connection.ts";
import { SshSession } from "../ssh/ssh-session.ts";
import { firstBootCommand, firstBootScript, type FirstBootOptions } from "./first-boot-script.ts";
import type { Provision } from "./provision.ts";

/** How long a new instance may take until it lets the deployment in. */
const reachMs = 300_000;
const pauseMs = 2_000;

/**
 * The child `-first-boot` makes a new instance ready, and does so again for each instance and each change. The server's deployment waits
 * for it.
 */
export function awaitFirstBoot(
  provision: Provision,
  connection: pulumi.Output<SshConnection>,
  options: pulumi.Output<FirstBootOptions>,
  instanceIds: pulumi.Input<string>[],
): command.remote.Command {
  const known = promiseOf(connection);
  const reach = provision.hook(async () => {
    await reachInstance(await known, (message) => provision.progress(message)).catch((error: unknown) =>
      provision.fail(`the new instance could not be reached: ${messageOf(error)}`),
    );
  });
  return new command.remote.Command(
    provision.nameOf("first-boot"),
    {
      connection: pulumi.secret(connection.apply(commandConnection)),
      create: firstBootCommand,
      stdin: options.apply(firstBootScript),
      triggers: instanceIds,
      logging: "stderr",
      addPreviousOutputInEnv: false,
    },
    { parent: provision.server, ...hooks({ beforeCreate: [reach], beforeUpdate: [reach] }) },
  );
}

/**
 * Waits until the instance takes the key. Other than for a host that is there, a refused key or another host key may be over in a moment:
 * where SSH answers before cloud-init has put the keys in place. Nothing is said to a host with another key.
 */
async function reachInstance(connection: SshConnection, progress: (message: string) => void): Promise<void> {
  const start = performance.now();
  for (;;) {
    const leftMs = reachMs - (performance.now() - start);
    try {
      const session = await SshSession.connect(connection, { deadlineMs: Math.max(leftMs, 0) });
      session.close();
      return;
    } catch (error) {
      const elapsedMs = performance.now() - start;
      if (elapsedMs + pauseMs >= reachMs) throw error;
      progress(
        `waiting for ${describeEndpoint(connection)}, ${Math.round(elapsedMs / 1000)} of ${reachMs / 1000} s: ${messageOf(error)}`,
      );
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
