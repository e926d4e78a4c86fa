/**
 * What a configuration says of who gets at the server at all, by which way, and how it is encrypted. It has no method of the
 * administration: people write it into the file, and it holds from the next start.
 */
export interface ServerAccess {
  /** The one address to listen on (`ListenIP`); undefined for every address of the host. */
  readonly listenAddress: string | undefined;
  /** Listeners are for IPv6 too (`DisableIPv6Listener`). */
  readonly ipv6: boolean;
  /** JSON-RPC is served (`DisableJsonRpcWebApi`). */
  readonly jsonApi: boolean;
  /** A session waits for its client to come back when its last connection is lost (`DisableSessionReconnect`). */
  readonly reconnect: boolean;
  readonly tls: TlsAccess;
  /** Connections that have not logged in, from one address (`MaxConnectionsPerIP`); undefined for the server's own bound. */
  readonly connectionsPerAddress: number | undefined;
  /** Connections that have not logged in (`MaxUnestablishedConnections`); undefined for the server's own bound. */
  readonly connections: number | undefined;
}

export interface TlsAccess {
  /** `Tls_Disable1_2`. */
  readonly leastVersion: "TLSv1.2" | "TLSv1.3";
  /** `Tls_Disable1_3`. */
  readonly mostVersion: "TLSv1.2" | "TLSv1.3";
  /** OpenSSL's (`Override_Security_Level_Value`); undefined for that of the runtime. */
  readonly securityLevel: number | undefined;
}

/** Of a server that is restricted in nothing. */
export const openAccess: ServerAccess = {
  listenAddress: undefined,
  ipv6: true,
  jsonApi: true,
  reconnect: true,
  tls: { leastVersion: "TLSv1.2", mostVersion: "TLSv1.3", securityLevel: undefined },
  connectionsPerAddress: undefined,
  connections: undefined,
};

/** Every address of the host: IPv6 with IPv4 on the same socket, or IPv4 alone where the kernel has no IPv6. */
export const anyAddress: readonly string[] = ["::", "0.0.0.0"];
export const anyIpv4Address: readonly string[] = ["0.0.0.0"];

/** Addresses to listen on, by preference: the first that the host has is taken. */
export function listenAddressesOf({ listenAddress, ipv6 }: ServerAccess): readonly string[] {
  if (listenAddress !== undefined) return [listenAddress];
  return ipv6 ? anyAddress : anyIpv4Address;
}

/** What is restricted, a line each, for people. */
export function describeServerAccess(access: ServerAccess): string[] {
  const { listenAddress, ipv6, jsonApi, reconnect, tls } = access;
  return [
    ...(listenAddress === undefined ? [] : [`listens on ${listenAddress} alone (ListenIP)`]),
    ...(ipv6 ? [] : ["does not listen on IPv6 (DisableIPv6Listener)"]),
    ...(jsonApi ? [] : ["serves no JSON-RPC (DisableJsonRpcWebApi)"]),
    ...(reconnect ? [] : ["ends a session with its last connection (DisableSessionReconnect)"]),
    ...(tls.leastVersion === "TLSv1.3" ? ["takes TLS 1.3 alone (Tls_Disable1_2)"] : []),
    ...(tls.mostVersion === "TLSv1.2" ? ["takes TLS 1.2 alone (Tls_Disable1_3)"] : []),
    ...(tls.securityLevel === undefined
      ? []
      : [`OpenSSL's security level ${tls.securityLevel} (Override_Security_Level_Value)`]),
  ];
}
