import type { Command } from "commander";
import { ServerError } from "../errors.ts";
import { failureOf } from "../supervisor/failure.ts";
import type { SupervisorMessage } from "../supervisor/messages.ts";
import { processTitle, takeWorkerRole } from "../supervisor/self-command.ts";
import type { CliContext } from "./context.ts";
import { printLog, reapIfFirstProcess } from "./foreground.ts";

/** `execsvc`: what both processes of a running server are; `start` and init systems run it. */
export function addExecsvcCommand(program: Command, context: CliContext): void {
  program
    .command("execsvc")
    .description(
      "run the server's processes without returning; for start, for init systems and for containers",
    )
    .option("--log-to-stdout", "write each line of the log to standard output too")
    .action(async (options: { logToStdout?: true }) => {
      const paths = context.statePaths();
      process.umask(0o077);
      if (takeWorkerRole(context.env)) {
        const { runWorker } = await import("../worker/worker.ts");
        await runWorker(paths);
        return;
      }
      process.title = processTitle;
      const { runSupervisor } = await import("../supervisor/execsvc.ts");
      try {
        const exitCode = await runSupervisor({
          paths,
          ...(options.logToStdout && { print: printLog }),
          onStarted: (status) => {
            void tell({ type: "started", status });
            void reapIfFirstProcess(context, paths);
          },
        });
        // Nothing that is still open may keep a server alive that has freed its lock.
        process.exit(exitCode);
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
        process.exitCode = error.exitCode;
        const told = await tell({
          type: "failed",
          failure: failureOf(error),
        });
        if (!told) throw error;
      }
    });
}

/** @returns whether somebody waits to be told; an init system does not */
function tell(message: SupervisorMessage): Promise<boolean> {
  return new Promise((resolve) => {
    if (process.connected) {
      process.send?.(message, undefined, undefined, (error) => {
        if (process.connected) process.disconnect();
        resolve(error === null);
      });
    } else {
      resolve(false);
    }
  });
}
