import type { ListenerStatus } from "../contract/listener-status.ts";

/** Such as `TCP 443: Listening`, or `TCP 443 of 192.0.2.1: Listening`. */
export function describeListener({ state, reason, ...place }: ListenerStatus): string {
  return `${describePlace(place)}: ${state}${reason === undefined ? "" : ` (${reason})`}`;
}

/** Such as `TCP 443 of 192.0.2.1`. */
export function describePlace({ port, address }: Pick<ListenerStatus, "port" | "address">): string {
  return `TCP ${port}${address === undefined ? "" : ` of ${address}`}`;
}
