import type { Link } from "../../access/vpn-session.ts";
import { sessionLimits } from "../../limits.ts";
import type { Policy } from "../../settings/policy.ts";
import type { LoginRequest } from "./messages/login.ts";

/**
 * What carries a session, from what the client asked for and what its policy allows (session reference, section 3.5).
 *
 * @param canLeaveTls whether the connection can go on without TLS; the client goes by the answer
 */
export function negotiate(request: LoginRequest, policy: Policy, canLeaveTls: boolean): Link {
  const { halfDuplex, encrypt, compress } = request;
  const qos = request.qos && !policy.NoQoS && !request.monitorMode;
  const { least, most } = sessionLimits.timeoutSeconds;
  // Half duplex takes a connection for each way, frames that should not wait take another for each way.
  const floor = (halfDuplex ? 2 : 1) * (qos ? 2 : 1);
  const allowed = Math.min(request.maxConnections, policy.MaxConnection, sessionLimits.connections);
  return {
    timeoutMs: Math.min(Math.max(policy.TimeOut, least), most) * 1000,
    maxConnections: Math.max(allowed, floor),
    halfDuplex,
    encrypt: encrypt || !canLeaveTls,
    compress,
    qos,
  };
}
