import type { HubSettings, UserSettings } from "../settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../settings/policy.ts";

/** Logs in to each hub with the hub's administration password; no user can have this name. */
export const administratorName = "administrator";

/** The hub's user of this name, in whatever case. */
export function findUser(hub: HubSettings, name: string): UserSettings | undefined {
  return hub.users.get(name.toLowerCase());
}

const administratorPolicy: Policy = { ...defaultPolicy, NoBroadcastLimiter: true, MonitorPort: true };

/**
 * The policy that holds for a user: its own, or else its group's, or else the default, and no more than the hub is allowed to grant.
 */
export function policyOf(hub: HubSettings, user: UserSettings | typeof administratorName): Policy {
  if (user === administratorName) return withinLimits(hub, administratorPolicy);
  const group = user.group === undefined ? undefined : hub.groups.get(user.group.toLowerCase());
  return withinLimits(hub, user.policy ?? group?.policy ?? defaultPolicy);
}

/** A policy with what the administrator of the server holds this hub to. Source: `Cedar/Protocol.c` ServerAccept. */
function withinLimits({ adminOptions: limits }: HubSettings, policy: Policy): Policy {
  return {
    ...policy,
    NoBridge: policy.NoBridge || isSet(limits.deny_bridge),
    NoRouting: policy.NoRouting || isSet(limits.deny_routing),
    NoQoS: policy.NoQoS || isSet(limits.deny_qos),
    MaxDownload: lower(policy.MaxDownload, limits.max_bitrates_download),
    MaxUpload: lower(policy.MaxUpload, limits.max_bitrates_upload),
    MultiLogins: lower(policy.MultiLogins, limits.max_multilogins_per_user),
  };
}

function isSet(value: number | undefined): boolean {
  return value !== undefined && value !== 0;
}

/** The lower of two limits, of which 0 is none. */
export function lower(one: number, other: number | undefined): number {
  if (one === 0 || !other) return one || (other ?? 0);
  return Math.min(one, other);
}
