import { firewallReport, type FirewallReport } from "./firewall-report.ts";
import { parserOf } from "./json-format.ts";
import {
  absolutePath,
  fingerprint,
  integer,
  listOf,
  objectOf,
  oneOf,
  optional,
  sha256,
  text,
  trueOrFalse,
} from "./json-reader.ts";
import { listenerStatus, type ListenerStatus } from "./listener-status.ts";
import { owner, type Owner } from "./owner.ts";

/** What `install --json` prints. */
export interface InstallResult {
  readonly mode: "service" | "user";
  /** Why this mode. */
  readonly reason: string;
  readonly version: string;
  readonly sha256: string;
  readonly prefix: string;
  readonly stateDirectory: string;
  readonly listeners: readonly ListenerStatus[];
  readonly tlsFingerprint: string;
  readonly firewall: FirewallReport;
  /** The deployment that the server belongs to; left out where it belongs to none. */
  readonly owner?: Owner;
  /** Left out when nothing was to be imported. */
  readonly imported?: ImportReport;
  /** What is not as it could be, though the server serves. */
  readonly warnings: readonly string[];
  /** Whether anything on the host is different now. */
  readonly changed: boolean;
}

/** What an installation took over of a SoftEther VPN Server. */
export interface ImportReport {
  /** The file. */
  readonly from: string;
  /** `before`: by an earlier run, and nothing was imported again. */
  readonly status: "now" | "before";
  readonly hubs?: number;
  readonly users?: number;
  /** Units of systemd that ran the former server, and are stopped and disabled; by the names that they have now. */
  readonly formerServices: readonly string[];
  /** What is kept in the configuration and not served. */
  readonly notServed: readonly string[];
}

export const parseInstallResult = parserOf(
  "install",
  objectOf<InstallResult>({
    mode: oneOf("service", "user"),
    reason: text,
    version: text,
    sha256,
    prefix: absolutePath,
    stateDirectory: absolutePath,
    listeners: listOf(listenerStatus),
    tlsFingerprint: fingerprint,
    firewall: firewallReport,
    owner: optional(owner),
    imported: optional(
      objectOf<ImportReport>({
        from: text,
        status: oneOf("now", "before"),
        hubs: optional(integer(0)),
        users: optional(integer(0)),
        formerServices: listOf(text),
        notServed: listOf(text),
      }),
    ),
    warnings: listOf(text),
    changed: trueOrFalse,
  }),
);
