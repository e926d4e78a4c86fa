import type { ResourceValidationPolicy } from "@pulumi/policy";
import { look, membersOf, textOf, unknown } from "./known-value.ts";

/** What dials a host over SSH: the children of a VpnServer, and whatever else the stack runs on hosts. */
const dialling = /^command:remote:(Command|CopyFile|CopyToRemote)$/;

/** Someone is dialled without a check of who answers. */
export const unverifiedHost: ResourceValidationPolicy = {
  name: "host-not-verified",
  displayName: "Host that is not verified",
  description: "Every connection over SSH checks the key of the host, and that of the bastion before it.",
  severity: "critical",
  remediationSteps:
    "Give hostKey, which ssh-keyscan prints, and compare it with the one on the host; leave out insecureSkipHostKeyCheck.",
  validateResource: ({ type, props }, report) => {
    if (!dialling.test(type)) return;
    const connection = membersOf(() => props["connection"]);
    const proxy = look(() => connection["proxy"]);
    for (const [what, endpoint] of [
      ["connection", connection],
      ["connection.proxy", membersOf(() => proxy)],
    ] as const) {
      // What is not there, or not known yet, dials nobody.
      if (look(() => endpoint["host"]) === undefined) continue;
      const hostKey = look(() => endpoint["hostKey"]);
      if (hostKey === unknown || (typeof hostKey === "string" && hostKey.trim() !== "")) continue;
      const host = textOf(() => endpoint["host"]);
      report(`${what}.hostKey is missing: anybody could answer in the place of ${host ?? "the host"}`);
    }
  },
};
