import * as pulumi from "@pulumi/pulumi";
import { outcomeOf } from "../deployment/deployment-outcome.ts";
import type { CheckReport } from "./check-report.ts";
import type { FirewallReport } from "./firewall-report.ts";
import type { NetworkReport } from "./network-report.ts";
import type { VpnConnection } from "./vpn-connection.ts";

/** One server of a fleet as it stands after `pulumi up`. */
export interface FleetMember {
  /** Whether the check at the end of the last `pulumi up` passed; it says nothing of the time since. */
  passedLastCheck: boolean;
  /** What was wrong, when it did not. */
  problem?: string;
  /** The mode that was taken, `service` or `user`; absent when the host could not be reached. */
  mode?: string;
  /** Why this mode was taken; absent when the host could not be reached. */
  modeReason?: string;
  /** Where clients connect, `host:port` each; absent when the host could not be reached. */
  endpoints?: string[];
  /** SHA-256 fingerprint of the TLS certificate; absent when the host could not be reached. */
  tlsFingerprint?: string;
  /** The TLS certificate in PEM; absent when the host could not be reached. */
  certificate?: string;
  /** The networks of hubs with SecureNAT; absent when the host could not be reached. */
  networks?: NetworkReport[];
  /** How each user connects; absent when the host could not be reached. */
  connections?: VpnConnection[];
  /** What was done about the host's firewall; absent when the host could not be reached. */
  firewall?: FirewallReport;
  /** What that check found, when it passed. */
  lastCheck?: CheckReport;
}

/** A component that deployed a server and recorded how that ended. */
interface ReportedServer {
  readonly mode?: pulumi.Output<string>;
  readonly modeReason?: pulumi.Output<string>;
  readonly endpoints: pulumi.Output<string[]>;
  readonly tlsFingerprint: pulumi.Output<string>;
  readonly certificate: pulumi.Output<string>;
  readonly networks: pulumi.Output<NetworkReport[]>;
  readonly connections: pulumi.Output<VpnConnection[]>;
  readonly firewall: pulumi.Output<FirewallReport>;
}

/** How a server stands, whatever became of its deployment: it does not reject where the server's own outputs do. */
export function memberReport(server: ReportedServer): pulumi.Output<FleetMember> {
  return outcomeOf(server).apply((outcome): pulumi.Output<FleetMember> => {
    if (outcome.kind === "untouched") {
      return pulumi.output({ passedLastCheck: false, problem: outcome.problem });
    }
    const { mode, modeReason, endpoints, tlsFingerprint, certificate, networks, connections, firewall } =
      server;
    const installed = {
      ...(mode && { mode }),
      ...(modeReason && { modeReason }),
      endpoints,
      tlsFingerprint,
      certificate,
      networks,
      connections,
      firewall,
    };
    return pulumi.output(installed).apply((installed) => ({
      passedLastCheck: outcome.kind === "passed",
      ...installed,
      ...(outcome.kind === "passed" ? { lastCheck: outcome.check } : { problem: outcome.problem }),
    }));
  });
}

/** A secret of each server that could be reached and has one, by its name. */
export function memberSecrets<Server extends object, T>(
  members: readonly (readonly [string, Server])[],
  secretOf: (server: Server) => pulumi.Output<T | undefined>,
): pulumi.Output<Record<string, T>> {
  const ofOne = (key: string, server: Server) =>
    outcomeOf(server)
      .apply((outcome): pulumi.Output<T | undefined> =>
        outcome.kind === "untouched" ? pulumi.output(undefined) : secretOf(server),
      )
      .apply((secret) => (secret === undefined ? {} : { [key]: secret }));
  return pulumi.secret(
    pulumi
      .all(members.map(([key, server]) => ofOne(key, server)))
      .apply((secrets) => Object.assign({}, ...secrets) as Record<string, T>),
  ) as pulumi.Output<Record<string, T>>;
}
