import { wordsOf } from "../error-words.ts";
import { errorCodes, ServerError } from "../errors.ts";
import type { WindowsCalls } from "../native/windows/windows-calls.ts";
import type { StatePaths } from "../state-paths.ts";
import { runSupervisor } from "../supervisor/execsvc.ts";
import { serviceName } from "./service-plan.ts";
import { ServiceReports } from "./service-reports.ts";

/**
 * `/service`: runs the supervisor in this process, which Windows has started as the service, until either ends.
 *
 * @returns the exit code
 * @throws {WindowsError} when it was not Windows that started it
 */
export async function runService(calls: WindowsCalls, paths: StatePaths): Promise<number> {
  const stop = new AbortController();
  let reports: ServiceReports | undefined;
  let exitCode = 0;
  const serve = async (): Promise<number> => {
    try {
      return await runSupervisor({
        paths,
        signal: stop.signal,
        onStarted: () => reports?.running(),
      });
    } catch (error) {
      // Who looks after services has no other place to see why.
      calls.reportToEventLog(serviceName, wordsOf(error));
      return error instanceof ServerError ? error.exitCode : errorCodes.FAILED.exitCode;
    }
  };
  await calls.runAsService(serviceName, {
    onStart: (report) => {
      reports = new ServiceReports({
        report,
        schedule: (callback, delayMs) => {
          const timer = setTimeout(callback, delayMs);
          return () => clearTimeout(timer);
        },
      });
      void serve().then((code) => {
        exitCode = code;
        reports?.stopped(code);
      });
    },
    // Stop, shutdown and preshutdown: the supervisor ends when the configuration is on the disk.
    onControl: () => {
      reports?.stopping();
      stop.abort();
    },
  });
  return exitCode;
}
