import { parserOf } from "./json-format.ts";
import {
  absolutePath,
  integer,
  listOf,
  nullOr,
  objectOf,
  oneOf,
  optional,
  sha256,
  text,
  trueOrFalse,
} from "./json-reader.ts";
import { owner, type Owner } from "./owner.ts";
import { listenerStatus, type ListenerStatus } from "./listener-status.ts";

/** A running server, as `status --json` prints it. */
export interface RunningStatus {
  readonly running: true;
  readonly version: string;
  /** SHA-256 of the installed release that runs; `null` when it does not run from an installation. */
  readonly release: string | null;
  /** Path of the executable, or of `server/main.ts`. */
  readonly executable: string;
  readonly stateDirectory: string;
  readonly supervisor: { readonly pid: number };
  /** `pid` is `null` while the worker is started again. */
  readonly worker: { readonly pid: number | null; readonly restarts: number };
  /** ISO 8601. */
  readonly startedAt: string;
  readonly listeners: readonly ListenerStatus[];
  /** SHA-256 of the server's certificate, in upper-case hexadecimal with colons. */
  readonly tlsFingerprint: string;
  /** `null` when the worker does not answer. */
  readonly hubs: readonly HubSummary[] | null;
  /** VPN sessions of all hubs; `null` when the worker does not answer. */
  readonly sessions: number | null;
  /** What is not as it should be, with files of the configuration or what they set up, for people; `null` when the worker does not answer. */
  readonly warnings: readonly string[] | null;
  /** What narrows who gets at the server at all, a line each, for people; `null` when the worker does not answer. */
  readonly restrictions: readonly string[] | null;
  /** What the configuration switches on and this server does not serve; `null` when the worker does not answer. */
  readonly notServed: readonly string[] | null;
  /**
   * Whether more connections came a short time ago than there are places for, so that a handshake may have failed with a server
   * that is well; left out where not, and when the worker does not answer.
   */
  readonly full?: boolean;
  /**
   * Whether the server reaches what the operating system offers beyond its runtime; `null` when nothing has asked for it, or the
   * worker does not answer.
   */
  readonly native?: NativeStatus | null;
  /** The deployment that the installation belongs to; left out where it is nobody's, or the server runs from none. */
  readonly owner?: Owner;
}

export interface NativeStatus {
  readonly available: boolean;
  /** The library by which it is reached, or the reason why it is not, for people. */
  readonly detail: string;
}

/** A server that does not run, as `status --json` prints it. */
export interface StoppedStatus {
  readonly running: false;
  readonly stateDirectory: string;
}

/** A Virtual Hub, as `status --json` prints it. */
export interface HubSummary {
  readonly name: string;
  readonly online: boolean;
  readonly sessions: number;
  /** Where SecureNAT runs. */
  readonly secureNat?: SecureNatSummary;
}

/** The virtual host of a hub, as `status --json` prints it. */
export interface SecureNatSummary {
  /** With the prefix of its network, such as `192.168.30.1/24`. */
  readonly address: string;
  /** Addresses that clients have now. */
  readonly leases: number;
  /** TCP connections through it, by sockets and by the kernel. */
  readonly connections: number;
  /** Who translates, of a release that tells it. */
  readonly nat?: NatWay;
  /** Why it is not the kernel, where that might. */
  readonly natReason?: string;
  /** What becomes of IPv6, of a release that tells it. */
  readonly ipv6?: Ipv6Way;
  /** Why it is refused. */
  readonly ipv6Reason?: string;
}

/** Who translates addresses for a hub: the host's kernel, sockets of the server, or nobody. */
export type NatWay = "kernel" | "user" | "off";

/**
 * Who translates IPv6 for a hub: sockets of the server; nobody, so that clients are told at once that there is no way; or it is none of the
 * virtual host's business.
 */
export type Ipv6Way = "user" | "refused" | "off";

/** Whether the server serves at all: user mode serves on the ports that it may open. */
export function serves(status: Pick<RunningStatus, "listeners">): boolean {
  return status.listeners.some((listener) => listener.state === "Listening");
}

const hubSummary = objectOf<HubSummary>({
  name: text,
  online: trueOrFalse,
  sessions: integer(0),
  secureNat: optional(
    objectOf<SecureNatSummary>({
      address: text,
      leases: integer(0),
      connections: integer(0),
      nat: optional(oneOf("kernel", "user", "off")),
      natReason: optional(text),
      ipv6: optional(oneOf("user", "refused", "off")),
      ipv6Reason: optional(text),
    }),
  ),
});

const runningStatus = objectOf<RunningStatus>({
  running: oneOf(true),
  version: text,
  release: nullOr(sha256),
  executable: text,
  stateDirectory: absolutePath,
  supervisor: objectOf({ pid: integer(1) }),
  worker: objectOf({ pid: nullOr(integer(1)), restarts: integer(0) }),
  startedAt: text,
  listeners: listOf(listenerStatus),
  // Empty until the first worker has told it.
  tlsFingerprint: text,
  hubs: nullOr(listOf(hubSummary)),
  sessions: nullOr(integer(0)),
  warnings: nullOr(listOf(text)),
  restrictions: nullOr(listOf(text)),
  notServed: nullOr(listOf(text)),
  full: optional(trueOrFalse),
  native: optional(nullOr(objectOf<NativeStatus>({ available: trueOrFalse, detail: text }))),
  owner: optional(owner),
});

const stoppedStatus = objectOf<StoppedStatus>({ running: oneOf(false), stateDirectory: absolutePath });

export const parseServerStatus = parserOf<RunningStatus | StoppedStatus>("status", (value, path) => {
  const isStopped = (value as Partial<StoppedStatus> | null)?.running === false;
  return isStopped ? stoppedStatus(value, path) : runningStatus(value, path);
});
