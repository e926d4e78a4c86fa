import * as pulumi from "@pulumi/pulumi";
import type { ApplyResult } from "../../server/contract/apply-result.ts";
import type { InstallResult } from "../../server/contract/install-result.ts";
import { checkServer, type Health } from "../host/health.ts";
import { messageOf } from "../ssh/error-message.ts";
import type { Deployment } from "./deployment.ts";
import type { DeploymentOutcome } from "./deployment-outcome.ts";
import { promiseOf, unknownOutput } from "./output-values.ts";
import type { Reached } from "./reach.ts";
import { repairServer } from "./repair.ts";

/** What a check came to: the host may have gone meanwhile. */
type Finding = Health | { readonly kind: "unreachable"; readonly problem: string };

/**
 * Checks the server on each `up`, since an apply is evaluated when nothing has changed too; has what it found put right, and checks
 * again.
 */
export function checkAndRepair(
  deployment: Deployment,
  host: Reached,
  values: {
    readonly installed: pulumi.Output<InstallResult>;
    readonly applied: pulumi.Output<ApplyResult>;
  },
): pulumi.Output<DeploymentOutcome> {
  const { installed, applied } = values;
  const check = (): pulumi.Output<Finding> =>
    pulumi
      .all([host.settings, host.artifacts, host.desired, installed, applied])
      .apply(([{ connection, install }, { version }, desired, installed]) =>
        checkServer({
          connection,
          installed,
          version,
          desired,
          timeoutMs: install.healthTimeoutSeconds * 1000,
          warn: (message) => deployment.warn(message),
          note: (message) => deployment.note(message),
        }).catch((error: unknown): Finding => ({ kind: "unreachable", problem: messageOf(error) })),
      );
  const first = pulumi.runtime.isDryRun() ? unknownOutput<Finding>() : check();
  const problem = pulumi.runtime.isDryRun()
    ? Promise.resolve(undefined)
    : promiseOf(first).then((finding) => (finding.kind === "unwell" ? finding.problem : undefined));
  problem.catch(() => {});
  const repair = repairServer(deployment, host, problem);
  const last = pulumi
    .all([first, pulumi.unsecret(repair.urn), applied])
    .apply(([finding, , { certificate }]): pulumi.Output<Finding> => {
      if (pulumi.runtime.isDryRun() || finding.kind !== "unwell") return pulumi.output(finding);
      return check().apply((again) => {
        if (again.kind === "well") deployment.warnOfCertificate(certificate, again.certificate);
        return again;
      });
    });
  return pulumi.unsecret(
    host.problem.apply((problem): pulumi.Output<DeploymentOutcome> => {
      if (problem !== undefined) return pulumi.output({ kind: "untouched" as const, problem });
      return last.apply((finding) => outcomeFrom(finding));
    }),
  );
}

function outcomeFrom(finding: Finding): DeploymentOutcome {
  switch (finding.kind) {
    case "well":
      return { kind: "passed", check: finding.report, certificate: finding.certificate };
    case "unwell":
      return { kind: "failed", problem: `${finding.problem}${finding.log && `. ${finding.log}`}` };
    case "unreachable":
      return { kind: "failed", problem: finding.problem };
  }
}
