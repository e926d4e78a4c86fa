import type { Sessions } from "../access/sessions.ts";
import type { VirtualHubs } from "../access/virtual-hubs.ts";
import type { LogAdministration } from "../admin/administration.ts";
import type { LiveConfiguration } from "../config/live-configuration.ts";
import type { HubLog } from "../hub/hub.ts";
import type { HubStatistics } from "../hub/statistics.ts";
import type { CertificatePaths } from "../identity/certificate.ts";
import type { LiveIdentity } from "../identity/live-identity.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import type { ClientAnswer, ClientRequest } from "../protocols/softether/client-request.ts";
import type { NativeLoader } from "../native/native.ts";
import type { StatePaths } from "../state-paths.ts";
import type { RunningSecureNat } from "./secure-nat/running-secure-nat.ts";
import type { LocalBridgeState } from "./local-bridges.ts";
import type { ServerLog } from "../server-log.ts";
import type { Connections } from "../transport/connections.ts";
import type { Listeners } from "../transport/listeners.ts";
import type { StreamProtocol } from "../transport/stream-protocol.ts";
import type { WebRequest, WebResponse } from "../transport/web-server.ts";

/** What the process gives the server. */
export interface ServerOptions {
  readonly paths: CertificatePaths & Pick<StatePaths, "leasesFile" | "forwardingFile">;
  readonly configuration: LiveConfiguration;
  readonly identity: LiveIdentity;
  readonly logs: LogAdministration;
  /** Whether an administrator may come from an address; the name of the hub is empty for the server's administrator. */
  readonly admitsAdministrator: (peerAddress: string, hubName: string) => boolean;
  /** Ends the server and lets another take its place. */
  readonly restart: () => void;
  readonly log: ServerLog;
  /** Calls into the operating system. */
  readonly native: NativeLoader;
  /** Makes the security log and the packet log of a hub. */
  readonly createHubLog: (hubName: string) => HubLog;
  /** Called with the states of all listeners after each change of one. */
  readonly onListenersChanged?: (listeners: readonly ListenerStatus[]) => void;
  /** By hub name in lower case: what happened before this run of the server. */
  readonly formerStatistics?: ReadonlyMap<string, HubStatistics>;
}

/**
 * What features share. The lists are for them to enter themselves in when they start; nobody reads them before all have, when the
 * listeners open.
 */
export interface Environment extends ServerOptions {
  readonly hubs: VirtualHubs;
  readonly sessions: Sessions;
  readonly connections: Connections;
  readonly listeners: Listeners;
  /** Virtual hosts by the name of their hub in lower case; only those that run. */
  readonly secureNats: Map<string, RunningSecureNat>;
  /** Local bridges that are set up. */
  readonly localBridges: { states: () => readonly LocalBridgeState[] };
  /** What clients may speak inside of TLS; the first that recognizes a client serves it. */
  readonly protocols: StreamProtocol[];
  /** What they may speak instead of TLS. */
  readonly clearProtocols: StreamProtocol[];
  /** Methods that a client may ask for after SoftEther's hello, besides those of the protocol itself. */
  readonly clientMethods: Map<string, (request: ClientRequest) => ClientAnswer | Promise<ClientAnswer>>;
  /** Pages below the first part of a path, such as `api`. */
  readonly webPages: Map<string, (request: WebRequest) => Promise<WebResponse>>;
}
