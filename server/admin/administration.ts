import type { NatEntry } from "../secure-nat/nat-entry.ts";
import type { IdentityPem } from "../identity/identity-check.ts";
import type { LocalBridgeSettings } from "../settings/local-bridge-settings.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { HubSession, VirtualHubs } from "../access/virtual-hubs.ts";
import type { ServerCertificate } from "../identity/certificate.ts";

/** The running server, as the methods of the administration see it. */
export interface Administration {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** What is set, and holds. */
  readonly settings: () => ServerSettings;
  /**
   * Changes the settings; resolves once the new ones are on the disk and in force. What `change` leaves as the same object is
   * neither written nor compared anew.
   *
   * @throws what `change` throws; nothing has changed then
   */
  readonly update: (change: (settings: ServerSettings) => ServerSettings) => Promise<ServerSettings>;
  readonly hubs: VirtualHubs;
  /** Sessions of all hubs. */
  readonly sessions: () => Iterable<HubSession>;
  /** The virtual host of a hub; undefined while it does not run. */
  readonly secureNat: (hubName: string) => SecureNatReport | undefined;
  readonly localBridges: LocalBridgeAdministration;
  /** By hub name; with what the sessions that go on have added. */
  readonly statistics: (hubName: string) => HubStatistics;
  readonly listeners: () => readonly ListenerStatus[];
  readonly connections: ConnectionList;
  readonly certificate: CertificateAdministration;
  readonly configuration: ConfigurationAdministration;
  readonly logs: LogAdministration;
  /** Ends the server and lets its supervisor start it anew; returns before that. */
  readonly restart: () => void;
}

/** A TCP connection, of a session or of somebody who asks. */
export interface ConnectionSummary {
  /** Such as `CID-7`. */
  readonly name: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Unix time in milliseconds. */
  readonly connectedAt: number;
  readonly type: "initializing" | "client" | "additional" | "administration";
  /** What the client said of itself, as far as it has. */
  readonly client: { readonly product: string; readonly version: number; readonly build: number } | undefined;
}

/** Whether something can be, or the reason why it cannot, for people. */
export type Possible = true | { readonly reason: string };

export interface LocalBridgeAdministration {
  /** Whether this server may bridge to interfaces that are there, and make TAPs. */
  readonly support: () => Promise<{ readonly interfaces: Possible; readonly taps: Possible }>;
  /** Names of the interfaces of the host that can be bridged. */
  readonly interfaces: () => Promise<readonly string[]>;
  /** All that are set up. */
  readonly states: () => readonly LocalBridgeReport[];
}

/** A local bridge as it is now. */
export interface LocalBridgeReport {
  readonly settings: LocalBridgeSettings;
  /** Whether its hub is there and online. */
  readonly online: boolean;
  /** Whether frames go through. */
  readonly active: boolean;
}

/** What a virtual host tells of itself. */
export interface SecureNatReport {
  /** Where the host's kernel translates: what it follows, besides the connections below. Rejects with the reason why it does not tell. */
  readonly kernel: (() => Promise<KernelConnections>) | undefined;
  readonly counts: {
    readonly tcp: number;
    readonly udp: number;
    readonly dns: number;
    readonly ping: number;
    readonly leases: number;
  };
  readonly leases: readonly {
    readonly address: number;
    /** In hexadecimal. */
    readonly mac: string;
    readonly hostName: string;
    /** Unix time in milliseconds. */
    readonly leasedAt: number;
    readonly expiresAt: number;
  }[];
  readonly mappings: readonly NatEntry[];
}

/** Connections of a hub that the kernel follows. */
export interface KernelConnections {
  readonly counts: { readonly tcp: number; readonly udp: number; readonly ping: number };
  readonly mappings: Iterable<NatEntry>;
}

export interface ConnectionList {
  readonly all: () => readonly ConnectionSummary[];
  /** Cuts a connection; false when there is none of this name. */
  readonly disconnect: (name: string) => boolean;
}

export interface CertificateAdministration {
  readonly current: () => ServerCertificate;
  /**
   * Takes another certificate, with its chain and key, for all connections from now on; resolves once it is on the disk.
   *
   * @throws {ServerError} USAGE for what the server could not serve with; nothing has changed then
   */
  readonly replace: (identity: IdentityPem) => Promise<void>;
  /** Makes a new self-signed pair for a name. */
  readonly regenerate: (commonName: string) => Promise<void>;
}

export interface ConfigurationAdministration {
  /** The whole of `vpn_server.config` as it holds now. */
  readonly text: () => Promise<Buffer>;
  /**
   * Puts another configuration in the place of this one; the server is to be restarted for it.
   *
   * @throws {ServerError} STATE_INVALID for one that cannot be understood; nothing has changed then
   */
  readonly replace: (text: Buffer) => Promise<void>;
  /** Writes all that is not in `vpn_server.config` itself yet; resolves with the size of the file in bytes. */
  readonly flush: () => Promise<number>;
}

export interface LogFileSummary {
  /** Below the log directory, with slashes, such as `server_log/vpn_20261122.log`. */
  readonly path: string;
  /** The hub whose log it is; undefined for the server's own. */
  readonly hubName: string | undefined;
  readonly bytes: number;
  /** Unix time in milliseconds. */
  readonly updatedAt: number;
}

export interface LogAdministration {
  readonly list: () => Promise<readonly LogFileSummary[]>;
  /** One of them, without a look at the others. */
  readonly find: (path: string) => Promise<LogFileSummary | undefined>;
  /** Part of a file that {@link list} names; empty beyond its end. */
  readonly read: (path: string, offset: number, bytes: number) => Promise<Buffer>;
}
