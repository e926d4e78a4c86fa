import { isIP } from "node:net";
import { formatAddress, parseAddress } from "../../ethernet/ip-address.ts";
import { RestrictionError, type FieldReader } from "../text/config-fields.ts";
import type { ServerAccess, TlsAccess } from "../../settings/server-access.ts";

/** OpenSSL knows no higher one. */
const mostSecurityLevel = 5;

/** `MIN_MAX_CONNECTIONS_PER_IP` (`Cedar/Listener.c`). */
const leastConnectionsPerAddress = 10;

/** `ServerType`: a server alone, and a member of a cluster. */
const [standalone, clusterMember] = [0, 2];

/**
 * From the folder `ServerConfiguration`. Source: `Cedar/Server.c` SiLoadServerCfg.
 *
 * @throws {RestrictionError} for what the official server would let nobody in by, and this server cannot do alike
 */
export function readServerAccess(reader: FieldReader): ServerAccess {
  const ipv6 = !reader.bool("DisableIPv6Listener");
  checkCluster(reader);
  return {
    listenAddress: readListenAddress(reader, ipv6),
    ipv6,
    jsonApi: !reader.bool("DisableJsonRpcWebApi"),
    reconnect: !reader.bool("DisableSessionReconnect"),
    tls: readTls(reader),
    connectionsPerAddress: atLeast(leastConnectionsPerAddress, reader.uint("MaxConnectionsPerIP")),
    connections: atLeast(leastConnectionsPerAddress, reader.uint("MaxUnestablishedConnections")),
  };
}

/** All zeros stand for every address. The official server takes what it cannot read for that, too. */
function readListenAddress(reader: FieldReader, ipv6: boolean): string | undefined {
  const text = reader
    .text("ListenIP")
    .trim()
    .replace(/^\[(.*)\]$/s, "$1");
  if (text === "") return undefined;
  const bytes = parseAddress(text);
  if (bytes === undefined || isIP(text) === 0) {
    throw refusal(reader, "ListenIP", `is "${text.slice(0, 64)}", which is no IP address to listen on`);
  }
  if (bytes.every((byte) => byte === 0)) return undefined;
  if (bytes.length === 16 && !ipv6) {
    throw refusal(
      reader,
      "ListenIP",
      "is an IPv6 address, and DisableIPv6Listener is true: nobody could connect",
    );
  }
  // With its zone, by which a link-local address is told from the same one of another network card.
  const zone = /%.*/s.exec(text)?.[0] ?? "";
  return formatAddress(bytes) + zone;
}

function readTls(reader: FieldReader): TlsAccess {
  const [no12, no13] = [reader.bool("Tls_Disable1_2"), reader.bool("Tls_Disable1_3")];
  if (no12 && no13) {
    throw refusal(
      reader,
      "Tls_Disable1_3",
      "is true, and so is Tls_Disable1_2: nobody could connect, since this server takes TLS 1.2 and 1.3 alone",
    );
  }
  const isOverridden = reader.bool("Override_Security_Level");
  const level = Math.min(reader.uint("Override_Security_Level_Value"), mostSecurityLevel);
  return {
    leastVersion: no12 ? "TLSv1.3" : "TLSv1.2",
    mostVersion: no13 ? "TLSv1.2" : "TLSv1.3",
    // A lower one than the runtime's would let more in.
    securityLevel: isOverridden && level > runtimeSecurityLevel ? level : undefined,
  };
}

/** OpenSSL's default, with which the runtime is built. */
const runtimeSecurityLevel = 2;

/** The servers of a cluster share the hubs and the sessions of the controller; what they keep from clients is not served alone. */
function checkCluster(reader: FieldReader): void {
  const type = reader.uint("ServerType");
  if (type === standalone) return;
  if (type === clusterMember) {
    throw refusal(
      reader,
      "ServerType",
      "is 2, a member of a cluster, whose hubs and users are those of its controller, which this server does not ask: take the controller's configuration, or make the server a standalone one first (ClusterSettingStandalone of vpncmd)",
    );
  }
  if (reader.bool("ControllerOnly")) {
    throw refusal(
      reader,
      "ControllerOnly",
      "is true: this controller of a cluster lets no client in, which only members do: make the server a standalone one first (ClusterSettingStandalone of vpncmd)",
    );
  }
}

function refusal(reader: FieldReader, name: string, problem: string): RestrictionError {
  return new RestrictionError(`${reader.path}/${name}`, problem);
}

/** Undefined for 0, which stands for the default. */
function atLeast(least: number, value: number): number | undefined {
  return value === 0 ? undefined : Math.max(least, value);
}
