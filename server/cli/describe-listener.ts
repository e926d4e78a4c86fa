import type { ListenerStatus } from "../listener-status.ts";

/** Such as `TCP 443: Listening`. */
export function describeListener({ port, state, reason }: ListenerStatus): string {
  return `TCP ${port}: ${state}${reason === undefined ? "" : ` (${reason})`}`;
}
