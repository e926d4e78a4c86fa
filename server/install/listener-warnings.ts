import type { ListenerStatus } from "../contract/listener-status.ts";
import type { Mode } from "./mode-choice.ts";

/** What is not as it could be with the listeners of a server that serves. */
export function listenerWarnings(listeners: readonly ListenerStatus[], mode: Mode): string[] {
  const closed = listeners.filter(({ state }) => state === "Error");
  const unexpected = closed.filter((listener) => !isClosedByMode(listener, mode));
  return unexpected.map(({ port, reason }) => `TCP ${port} is not open: ${reason ?? "it is being retried"}`);
}

/** A port that users may not open is a fact of user mode, which the listener's own reason tells. */
function isClosedByMode({ port, reason }: ListenerStatus, mode: Mode): boolean {
  return mode === "user" && port < 1024 && (reason ?? "").startsWith("EACCES");
}
