import type { ClientProgram, NodeAddress, NodeInfo } from "../../../access/client-info.ts";
import { loginLimits } from "../../../limits.ts";
import { DecodeError } from "../../../wire/decode-error.ts";
import { readAddress } from "../../../wire/pack-address.ts";
import type { Pack } from "../../../wire/pack.ts";

/** Size of a session's key, in bytes. */
export const sessionKeyBytes = 20;

/** How a client proves who it is; the bytes are copies, of the size that the client chose. */
export type LoginAuthentication =
  | { readonly type: "anonymous" }
  /** Answer to the challenge, see `secureResponse`. */
  | { readonly type: "password"; readonly response: Uint8Array }
  | { readonly type: "plain-password"; readonly password: string }
  /** X.509 certificate (DER), and the RSA signature of the challenge. */
  | { readonly type: "certificate"; readonly certificate: Uint8Array; readonly signature: Uint8Array }
  /** Given by the controller of a cluster. */
  | { readonly type: "ticket"; readonly ticket: Uint8Array }
  | { readonly type: "unsupported"; readonly number: number };

/** The first request of a client that wants a session. */
export interface LoginRequest {
  readonly hubName: string;
  /** Without spaces around it. */
  readonly userName: string;
  readonly authentication: LoginAuthentication;
  /** TCP connections that the client would have; any number. */
  readonly maxConnections: number;
  readonly halfDuplex: boolean;
  readonly encrypt: boolean;
  readonly compress: boolean;
  readonly qos: boolean;
  /** The client wants to bridge or route. */
  readonly bridgeMode: boolean;
  /** The client wants to see all frames of the hub. */
  readonly monitorMode: boolean;
  /** Of the client's installation, 20 bytes; zeros when it sent none. */
  readonly uniqueId: Uint8Array;
  readonly client: ClientProgram;
  readonly node: NodeInfo;
}

/** Numbers of `authtype`; smart cards and engines come as certificates. */
const authenticationDecoders: ReadonlyMap<number, (pack: Pack) => LoginAuthentication> = new Map<
  number,
  (pack: Pack) => LoginAuthentication
>([
  [0, () => ({ type: "anonymous" })],
  [1, (pack) => ({ type: "password", response: bytes(pack, "secure_password") })],
  [
    2,
    (pack) => ({
      type: "plain-password",
      password: boundedText(pack, "plain_password", loginLimits.passwordCharacters),
    }),
  ],
  [3, (pack) => ({ type: "certificate", certificate: bytes(pack, "cert"), signature: bytes(pack, "sign") })],
  [99, (pack) => ({ type: "ticket", ticket: bytes(pack, "ticket") })],
]);

/**
 * Decodes the request with the method `login`. Texts that name something must be within their bounds; those that are only
 * shown are cut.
 *
 * Source: `Cedar/Protocol.c` ServerAccept, ClientUploadAuth; `Cedar/Admin.c` InRpcNodeInfo.
 *
 * @throws {DecodeError} when the names of hub and user are not there or too long, or the password is too long
 */
export function decodeLogin(pack: Pack): LoginRequest {
  const { hubName, userName } = decodeAccount(pack);
  const number = pack.int("authtype");
  return {
    hubName,
    userName,
    authentication: authenticationDecoders.get(number)?.(pack) ?? { type: "unsupported", number },
    maxConnections: pack.int("max_connection"),
    halfDuplex: pack.bool("half_connection"),
    encrypt: pack.bool("use_encrypt"),
    compress: pack.bool("use_compress"),
    qos: pack.bool("qos"),
    bridgeMode: pack.bool("require_bridge_routing_mode"),
    monitorMode: pack.bool("require_monitor_mode"),
    uniqueId: sizedBytes(pack, "unique_id", 20),
    client: {
      product: cutText(pack, "hello", 255) || cutText(pack, "client_str", 255) || "Unknown",
      version: pack.int("client_ver") || pack.int("version"),
      build: pack.int("client_build") || pack.int("build"),
      clientId: pack.int("client_id"),
    },
    node: decodeNodeInfo(pack),
  };
}

/**
 * The names of hub and user in a request.
 *
 * @throws {DecodeError} when one is not there or too long
 */
export function decodeAccount(pack: Pack): { hubName: string; userName: string } {
  for (const name of ["hubname", "username"]) {
    if (!pack.has(name)) throw new DecodeError(name, 0, "is missing");
  }
  return {
    hubName: boundedText(pack, "hubname", loginLimits.nameCharacters),
    userName: boundedText(pack, "username", loginLimits.nameCharacters).trim(),
  };
}

/**
 * Decodes the request with the method `additional_connect`: one more TCP connection for a session.
 *
 * @throws {DecodeError} when there is no key of the right size
 */
export function decodeAdditionalConnect(pack: Pack): { sessionKey: Uint8Array } {
  const key = pack.data("session_key");
  if (key?.length !== sessionKeyBytes) {
    throw new DecodeError("session_key", 0, `${key?.length ?? 0} bytes instead of ${sessionKeyBytes}`);
  }
  return { sessionKey: key };
}

function decodeNodeInfo(pack: Pack): NodeInfo {
  const address = (who: "Client" | "Server" | "Proxy", port: string): NodeAddress => ({
    hostName: cutText(pack, `${who}Hostname`, 63),
    address: readAddress(pack, `${who}IpAddress`) ?? "0.0.0.0",
    address6: sizedBytes(pack, `${who}IpAddress6`, 16),
    port: pack.int(port),
  });
  return {
    clientProduct: cutText(pack, "ClientProductName", 63),
    clientVersion: pack.int("ClientProductVer"),
    clientBuild: pack.int("ClientProductBuild"),
    serverProduct: cutText(pack, "ServerProductName", 63),
    serverVersion: pack.int("ServerProductVer"),
    serverBuild: pack.int("ServerProductBuild"),
    osName: cutText(pack, "ClientOsName", 63),
    osVersion: cutText(pack, "ClientOsVer", 127),
    osProductId: cutText(pack, "ClientOsProductId", 63),
    client: address("Client", "ClientPort"),
    server: address("Server", "ServerPort2"),
    proxy: address("Proxy", "ProxyPort"),
    uniqueId: sizedBytes(pack, "UniqueId", 16),
  };
}

function boundedText(pack: Pack, name: string, most: number): string {
  const text = pack.str(name);
  if (text.length > most) throw new DecodeError(name, 0, `${text.length} characters; ${most} are allowed`);
  return text;
}

/** A text that is only shown: cut where it gets too long, never within a character. */
function cutText(pack: Pack, name: string, most: number): string {
  return pack
    .str(name)
    .slice(0, most)
    .replace(/[\ud800-\udbff]$/, "");
}

/** A copy, so that a session does not hold the whole request. */
function bytes(pack: Pack, name: string): Uint8Array {
  return Uint8Array.from(pack.data(name) ?? []);
}

/** A copy of bytes that must have this size; zeros otherwise. */
function sizedBytes(pack: Pack, name: string, size: number): Uint8Array {
  const data = pack.data(name);
  return data?.length === size ? Uint8Array.from(data) : new Uint8Array(size);
}
