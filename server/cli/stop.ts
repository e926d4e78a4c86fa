import type { Command } from "commander";
import type { CliContext } from "./context.ts";

/** `stop`: returns when both processes are gone. */
export function addStopCommand(program: Command, context: CliContext): void {
  program
    .command("stop")
    .description("stop the server; returns when both of its processes are gone")
    .action(async () => {
      const { stopServer } = await import("../supervisor/control.ts");
      await stopServer(context.statePaths());
      context.print("SoftEther VPN Server Service Stopped.");
    });
}
