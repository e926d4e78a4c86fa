import type { HubSettings } from "./hub-settings.ts";
import type { ListenerSettings } from "./listener-settings.ts";
import type { LocalBridgeSettings } from "./local-bridge-settings.ts";
import type { ServerAccess } from "./server-access.ts";

/** All that an administrator can set and that the server acts upon. Immutable: a change makes new settings. */
export interface ServerSettings {
  readonly listeners: readonly ListenerSettings[];
  readonly hubs: readonly HubSettings[];
  readonly localBridges: readonly LocalBridgeSettings[];
  /** SHA-0 of the server's administration password, 20 bytes; of the empty password until one was set. */
  readonly hashedPassword: Uint8Array;
  /** Who gets at the server at all; as the file has it, which is not written for it. */
  readonly access: ServerAccess;
  /** TLS cipher that the administrator chose, or a list of them, by OpenSSL's names; empty for the server's own choice. */
  readonly cipherName: string;
  readonly keepAlive: KeepAliveSettings;
  readonly syslog: SyslogSettings;
  /** What the server is known by. The files of certificate and key, where they are there, come before it. */
  readonly identity?: ServerIdentity | undefined;
}

/** Certificate and key of the server (`ServerCert`, `ServerKey`, `ServerChain`), as in the file: DER. */
export interface ServerIdentity {
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Certificates of the authorities between the server and one that clients know. */
  readonly chain: readonly Uint8Array[];
}

/** Packets that keep a dial-up line or a NAT entry open (`Cedar/Server.c`, `Keep…` of ServerConfiguration). */
export interface KeepAliveSettings {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly intervalSeconds: number;
}

/** Where log lines go besides the files (`SyslogSettings`). */
export interface SyslogSettings {
  /** 0 nowhere, 1 the server log, 2 the security logs too, 3 the packet logs too. */
  readonly saveType: 0 | 1 | 2 | 3;
  readonly host: string;
  readonly port: number;
}
