import * as pulumi from "@pulumi/pulumi";
import type { DesiredHubs } from "../arguments/desired-hubs.ts";

/**
 * What is declared of the hubs and where clients connect, without secrets: a child of the server that does nothing, so that
 * `pulumi preview --diff` and the history show which hubs, users, groups and rules come, change and go. What is applied is a secret as a
 * whole.
 */
export class DeclaredHubs extends pulumi.ComponentResource {
  /** @param name of the server, or of what has several */
  constructor(
    name: string,
    declared: { readonly hubs: pulumi.Output<DesiredHubs>; readonly publicHost: pulumi.Input<string> },
    opts: pulumi.ComponentResourceOptions,
  ) {
    const hubs = pulumi.unsecret(declared.hubs).apply(({ hubs }) => describeHubs(hubs));
    const { publicHost } = declared;
    super("vpnserver:index:DeclaredHubs", `${name}-declared-hubs`, { hubs, publicHost }, opts);
    this.registerOutputs({});
  }
}

/** Hubs, and what is named in them, by their names. */
export type HubDescriptions = Readonly<Record<string, Members>>;

type Members = Readonly<Record<string, unknown>>;

const secretMembers = ["password", "adminPassword", "privateKey"];
const namedLists = ["users", "groups"];

/** @param hubs as `vpnserver apply` takes them */
export function describeHubs(hubs: readonly unknown[]): HubDescriptions {
  return byName(
    (hubs as Members[]).map((hub) => {
      const { users, secureNat, localBridges } = hub;
      const getsUsual = secureNat === undefined && has(users) && !has(localBridges);
      return getsUsual ? { ...hub, secureNat: usualSecureNat } : hub;
    }),
  );
}

function has(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0;
}

/** What nobody told is shown too where it matters: `server/desired/desired-change` decides on the host. */
const usualSecureNat = "on if the hub is new, else as it is";

function byName(list: readonly unknown[]): HubDescriptions {
  return Object.fromEntries((list as Members[]).map((member) => [String(member["name"]), describe(member)]));
}

function describe(members: Members): Members {
  const entries = Object.entries(members).flatMap(([key, value]): [string, unknown][] => {
    if (key === "name" || value === undefined) return [];
    if (secretMembers.includes(key)) return [];
    return [[key, namedLists.includes(key) && Array.isArray(value) ? byName(value) : value]];
  });
  return Object.fromEntries(entries);
}
