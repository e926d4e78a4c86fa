import type { AccessRule } from "../../server/settings/access-rule.ts";
import type { HubSettings, UserSettings } from "../../server/settings/hub-settings.ts";
import { hubOf, userOf } from "../../test/interop/support/our-server.ts";

export const largest = {
  /** A hub with nearly as many users as one may have, which sessions log in as. */
  users: "USERS",
  usersCount: 9_990,
  /** One with nearly as many rules. */
  rules: "RULES",
  rulesCount: 32_760,
  /** Many others. */
  hubsCount: 100,
  usersInEach: 900,
  password: "bench",
} as const;

/** Name of a user of the hub with the most. */
export function userName(index: number): string {
  return `user-${String(index).padStart(5, "0")}`;
}

/** A configuration that is nearly as large as one may be. */
export function largeHubs(): HubSettings[] {
  const users = Array.from({ length: largest.usersCount }, (_, index) =>
    userOf(userName(index), largest.password),
  );
  const others = Array.from({ length: largest.hubsCount }, (_, hub) =>
    hubOf(`HUB-${hub}`, usersOf(largest.usersInEach)),
  );
  const rules = Array.from({ length: largest.rulesCount }, (_, index) => ruleOf(index));
  return [hubOf(largest.users, users), hubOf(largest.rules, [], { accessList: rules }), ...others];
}

function usersOf(count: number): UserSettings[] {
  return Array.from({ length: count }, (_, index) => userOf(userName(index), { type: "anonymous" }));
}

/** Each is about an address of its own. */
function ruleOf(index: number): AccessRule {
  const none = { network: undefined, mac: undefined, ports: undefined, user: undefined };
  const address = Uint8Array.of(10, index >> 16, (index >> 8) & 0xff, index & 0xff);
  return {
    priority: index + 1,
    active: true,
    note: `rule ${index}`,
    action: index % 2 === 0 ? "pass" : "discard",
    version: "ipv4",
    source: { ...none, network: { address, mask: Uint8Array.of(255, 255, 255, 255) } },
    destination: none,
    protocol: undefined,
    established: undefined,
    delayMs: 0,
    jitterPercent: 0,
    lossPercent: 0,
    redirectUrl: "",
  };
}
