import type { ListenerStatus } from "../contract/listener-status.ts";
import type { RunProgram } from "../platform/run-program.ts";
import { endsWithSession } from "./host-facts.ts";
import type { Mode } from "./mode-choice.ts";

/** What is not as it could be with a server that serves. */
export async function warningsOf(
  listeners: readonly ListenerStatus[],
  mode: Mode,
  run: RunProgram,
): Promise<string[]> {
  const closed = listeners.filter(({ state }) => state === "Error");
  const unexpected = closed.filter((listener) => !isClosedByMode(listener, mode));
  const warnings = unexpected.map(
    ({ port, reason }) => `TCP ${port} is not open: ${reason ?? "it is being retried"}`,
  );
  if (mode === "service" || !(await endsWithSession(run))) return warnings;
  return [
    ...warnings,
    "this host ends a user's processes with the last session (KillUserProcesses in logind.conf): " +
      "for the server to stay, lingering is needed (loginctl enable-linger, by an administrator)",
  ];
}

/** A port that users may not open is a fact of user mode, which the listener's own reason tells. */
export function isClosedByMode({ port, reason }: ListenerStatus, mode: Mode): boolean {
  return mode === "user" && port < 1024 && (reason ?? "").startsWith("EACCES");
}
