import type { Command } from "commander";
import type { RunningStatus } from "../contract/server-status.ts";
import type { CliContext } from "./context.ts";
import { describeListener } from "./describe-listener.ts";
import { printLog, reapIfFirstProcess } from "./foreground.ts";

/** `start`: the server in the background, or in this process. */
export function addStartCommand(program: Command, context: CliContext): void {
  program
    .command("start")
    .description("start the server in the background; returns when it serves")
    .option("--foreground", "run in this terminal, with the log on standard output, until Ctrl+C or TERM")
    .action(async (options: { foreground?: true }) => {
      const paths = context.statePaths();
      if (options.foreground) {
        const { runSupervisor } = await import("../supervisor/execsvc.ts");
        process.exitCode = await runSupervisor({
          paths,
          inTerminal: true,
          print: printLog,
          onStarted: (status) => {
            report(context, status);
            void reapIfFirstProcess(context, paths);
          },
        });
        return;
      }
      const { startServerProcess } = await import("../supervisor/control.ts");
      report(context, await startServerProcess(paths));
    });
}

function report(context: CliContext, { listeners }: RunningStatus): void {
  context.print("SoftEther VPN Server Service Started.");
  for (const listener of listeners) {
    if (listener.state === "Error")
      context.note(`note: ${describeListener(listener)}; it is tried again every 2 s`);
  }
  if (context.uid !== 0 && process.platform !== "win32") {
    context.note(
      "note: started without root, so ports below 1024 are open only where this system allows them to users",
    );
  }
}
