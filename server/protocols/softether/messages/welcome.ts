import { policyNames, type Policy } from "../../../settings/policy.ts";
import { sessionKeyBytes } from "./login.ts";
import { Pack } from "../../../wire/pack.ts";

/** The answer to a login that succeeded. */
export interface Welcome {
  /** Such as `SID-ALICE-1`. */
  readonly sessionName: string;
  /** Such as `CID-1`. */
  readonly connectionName: string;
  /** By which further connections find their session: {@link sessionKeyBytes} bytes that nobody can guess. */
  readonly sessionKey: Uint8Array;
  /** The same as an unsigned 32-bit number, for what has no room for more. */
  readonly sessionKey32: number;
  /** Without a sign of life for this long, a connection is given up. */
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly encrypt: boolean;
  readonly compress: boolean;
  readonly halfDuplex: boolean;
  readonly qos: boolean;
  readonly policy: Policy;
  /** Shown to the user; empty for none. */
  readonly message: string;
}

/**
 * Encodes the welcome. What official clients read as 0 when it is missing is always there: without `use_encrypt` they go on
 * in clear text, without `timeout` they give up at once. What would offer UDP acceleration or R-UDP is left out, which
 * declines it.
 *
 * Source: `Cedar/Protocol.c` PackWelcome, PackAddPolicy.
 *
 * @throws {RangeError} for a key of the wrong size or a number out of range
 */
export function encodeWelcome(welcome: Welcome): Pack {
  if (welcome.sessionKey.length !== sessionKeyBytes) {
    throw new RangeError(`session key: ${welcome.sessionKey.length} bytes instead of ${sessionKeyBytes}`);
  }
  const pack = new Pack()
    .addStr("session_name", welcome.sessionName)
    .addStr("connection_name", welcome.connectionName)
    .addInt("max_connection", welcome.maxConnections)
    .addBool("use_encrypt", welcome.encrypt)
    .addBool("use_compress", welcome.compress)
    .addBool("half_connection", welcome.halfDuplex)
    .addInt("timeout", welcome.timeoutMs)
    .addBool("qos", welcome.qos)
    .addInt("is_azure_session", 0)
    .addData("session_key", welcome.sessionKey)
    .addInt("session_key_32", welcome.sessionKey32)
    .addInt("vlan_id", welcome.policy.VLanId)
    .addInt("enable_udp_recovery", 0);
  addPolicy(pack, welcome.policy);
  if (welcome.message !== "") pack.addData("Msg", Buffer.from(welcome.message));
  return pack;
}

function addPolicy(pack: Pack, policy: Policy): void {
  for (const name of policyNames) pack.addInt(`policy:${name}`, Number(policy[name]));
  // Says that the policies of version 3 are among them.
  pack.addBool("policy:Ver3", true);
}

/** Which way frames go on a connection, by number on the wire (`Cedar/Connection.h` TCP_BOTH and its like). */
const directions = { both: 0, "server-to-client": 1, "client-to-server": 2 } as const;

/** The answer to an `additional_connect` that succeeded. */
export function encodeAdditionalReply(direction: keyof typeof directions): Pack {
  return new Pack().addInt("error", 0).addInt("direction", directions[direction]);
}
