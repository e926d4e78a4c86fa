import type { HubSettings, UserSettings } from "../hub/hub-settings.ts";
import { defaultPolicy, type Policy } from "../wire/policy.ts";

/** The hub's user of this name, in whatever case. */
export function findUser(hub: HubSettings, name: string): UserSettings | undefined {
  return hub.users.get(name.toLowerCase());
}

/** The policy that holds for a user: its own, or else its group's, or else the default. */
export function policyOf(hub: HubSettings, user: UserSettings): Policy {
  if (user.policy !== undefined) return user.policy;
  const group = user.group === undefined ? undefined : hub.groups.get(user.group.toLowerCase());
  return group?.policy ?? defaultPolicy;
}
