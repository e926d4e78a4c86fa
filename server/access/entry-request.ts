import type { ClientProgram, NodeInfo } from "./client-info.ts";
import type { Proof } from "./proof.ts";

/** Somebody at the door of a hub, whatever protocol it came by: who it says it is, how it proves that, and what it wants. */
export interface EntryRequest {
  readonly hubName: string;
  readonly userName: string;
  readonly proof: Proof;
  /** The client wants to bridge or route. */
  readonly bridgeMode: boolean;
  /** The client wants to see all frames of the hub. */
  readonly monitorMode: boolean;
  readonly client: ClientProgram;
  readonly node: NodeInfo;
  /** Such as `CID-7`, for the logs. */
  readonly connectionName: string;
  /** Aborted when the connection has ended. */
  readonly gone: AbortSignal;
  /** With the number of the user, for one of this host. */
  readonly peer: { readonly address: string; readonly port: number; readonly user?: number | undefined };
}
