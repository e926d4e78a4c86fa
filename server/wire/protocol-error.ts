import { Pack } from "./pack.ts";

/** Numbers of the `error` element that tell a client why it was refused (`Cedar/Error.h`). */
export const protocolErrors = {
  /** The request does not follow the protocol (ERR_PROTOCOL_ERROR). */
  protocol: 4,
  /** The server does not do what was asked (ERR_NOT_SUPPORTED). */
  notSupported: 33,
  /** The server does not lead a cluster (ERR_NOT_FARM_CONTROLLER). */
  notFarmController: 46,
} as const;

export type ProtocolError = keyof typeof protocolErrors;

/** The PACK that carries an error to the client. */
export function errorPack(error: ProtocolError): Pack {
  return new Pack().addInt("error", protocolErrors[error]);
}
