import type { LiveHub } from "../../access/virtual-hubs.ts";
import type { HubPort } from "../../hub/hub-port.ts";
import type { PluggedPort } from "../../hub/hub.ts";
import type { ProtocolError } from "../../wire/protocol-error.ts";

/** A kind of port that is no session of a client. */
export type OwnKind = Exclude<HubPort["kind"], "session">;

/** Why a port that is no session cannot be ended as one, by its kind. */
export const cannotDisconnect: Readonly<Record<OwnKind, ProtocolError>> = {
  "secure-nat": "secureNatCannotDisconnect",
  "local-bridge": "bridgeCannotDisconnect",
  cascade: "linkCannotDisconnect",
  "l3-switch": "layer3CannotDisconnect",
};

/** The ports of a hub that the server itself plugs in: virtual hosts, bridges and the like. Lists show them among the sessions. */
export function ownPortsOf({ hub }: LiveHub): PluggedPort[] {
  return [...hub.ports()].filter(({ port }) => port.kind !== "session");
}

/** The one of this name; undefined when there is none. */
export function findOwnPort(live: LiveHub, name: string): PluggedPort | undefined {
  const wanted = name.toLowerCase();
  return ownPortsOf(live).find(({ port }) => port.name.toLowerCase() === wanted);
}
