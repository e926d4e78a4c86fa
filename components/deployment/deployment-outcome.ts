import type * as pulumi from "@pulumi/pulumi";
import type { CheckReport } from "../outputs/check-report.ts";

/** How the deployment of one server ended, for those who must go on when it failed. */
export type DeploymentOutcome =
  | { readonly kind: "passed"; readonly check: CheckReport; /** PEM. */ readonly certificate: string }
  /** Installed, but the check at the end failed; `problem` says why. */
  | { readonly kind: "failed"; readonly problem: string }
  /** The server cannot be deployed there, so nothing was done; `problem` says why. */
  | { readonly kind: "untouched"; readonly problem: string };

// Beside the component and not in it: every property of a component class becomes an output of its schema.
const outcomes = new WeakMap<object, pulumi.Output<DeploymentOutcome>>();

export function recordOutcome(server: object, outcome: pulumi.Output<DeploymentOutcome>): void {
  outcomes.set(server, outcome);
}

/** The outcome of a server's deployment. It does not reject when the host cannot be reached or the check fails. */
export function outcomeOf(server: object): pulumi.Output<DeploymentOutcome> {
  const outcome = outcomes.get(server);
  if (outcome === undefined) throw new Error("this server has recorded no outcome");
  return outcome;
}
