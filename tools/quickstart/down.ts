import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { step, type Log } from "../build/step.ts";
import { ensureToolchain } from "../setup/toolchain.ts";
import { processesBelow, processesOfEngine } from "./own-processes.ts";
import { endProcess, endSshHost, ensureSshHost } from "./ssh-host.ts";
import { Stack } from "./stack.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Destroys the stack and removes everything that quickstart made, whatever state it is in.
 *
 * @throws Error when a process or a file could not be removed
 */
export async function down(workspace: Workspace, log: Log): Promise<void> {
  if (!existsSync(workspace.directory)) {
    log(`there is nothing to take down: ${workspace.directory} does not exist`);
    return;
  }
  if (!workspace.isOurs()) {
    throw new Error(`${workspace.directory} was not made by quickstart, so nothing in it is touched`);
  }
  try {
    await destroyStack(workspace, log);
  } catch (error) {
    // The folder and its processes are removed below all the same.
    log(`the stack could not be destroyed in order: ${(error as Error).message}`);
  }
  await step("SSH server", log, () => endSshHost(workspace));
  const left = [
    ...(await processesBelow(workspace.directory)),
    ...(await processesOfEngine(workspace.pulumiHome)),
  ];
  if (left.length > 0) {
    await step(`processes left behind: ${left.map(({ pid }) => pid).join(", ")}`, log, async () => {
      // The supervisor comes first: it would start its worker again.
      for (const process of left.sort((a, b) => a.pid - b.pid)) await endProcess(process);
    });
  }
  await step(`remove ${workspace.directory}`, log, () =>
    rm(workspace.directory, { recursive: true, force: true }),
  );
  log("everything is removed");
}

async function destroyStack(workspace: Workspace, log: Log): Promise<void> {
  if (!existsSync(workspace.stateDirectory) || !existsSync(workspace.passphraseFile)) return;
  const toolchain = await ensureToolchain({ pulumiHome: workspace.pulumiHome, log });
  const stack = new Stack(workspace, toolchain);
  if (!stack.exists()) return;
  await workspace.create();
  await ensureSshHost(workspace);
  await stack.prepare();
  log("pulumi destroy");
  if (!(await stack.destroy())) throw new Error("pulumi destroy failed; the lines above say why");
}
