import type * as pulumi from "@pulumi/pulumi";
import type { HealthReport } from "./health.ts";

/** How the deployment of one server ended, for those who must go on when it failed. */
export type DeploymentOutcome =
  | { readonly kind: "healthy"; readonly health: HealthReport; /** PEM. */ readonly certificate: string }
  /** Installed, but the health check failed; `problem` says why. */
  | { readonly kind: "unhealthy"; readonly problem: string }
  /** The host was not reached, so nothing was done there; `problem` says why. */
  | { readonly kind: "unreachable"; readonly problem: string };

// Beside the component and not in it: every property of a component class becomes an output of its schema.
const outcomes = new WeakMap<object, pulumi.Output<DeploymentOutcome>>();

export function recordOutcome(server: object, outcome: pulumi.Output<DeploymentOutcome>): void {
  outcomes.set(server, outcome);
}

/** The outcome of a server's deployment. It does not reject when the host is unreachable or the server unhealthy. */
export function outcomeOf(server: object): pulumi.Output<DeploymentOutcome> {
  const outcome = outcomes.get(server);
  if (outcome === undefined) throw new Error("this server has recorded no outcome");
  return outcome;
}
