import { ownComment } from "./nftables-plan.ts";

/** Arguments of one call of `ufw`. */
export type UfwCommand = readonly string[];

/** What the rules of ufw say about a TCP port, as far as they hold for every peer. */
export type UfwPort = "open" | "open by us" | "shut" | "not named";

/** Whether `ufw status` tells of a firewall that is at work. */
export function isActive(status: string): boolean {
  return /^Status: active$/m.test(status);
}

/**
 * What the output of `ufw show added` says about a port. Rules that name several ports, addresses, interfaces or
 * applications are not looked into: they are exceptions, or say the same once more.
 */
export function portInRules(added: string, port: number): UfwPort {
  let found: UfwPort = "not named";
  for (const line of added.split("\n")) {
    const rule = /^ufw (allow|limit|deny|reject) (\d+)(\/tcp)?(?: comment '(.*)')?$/.exec(line.trim());
    if (rule === null || Number(rule[2]) !== port) continue;
    const [, action, , protocol, comment] = rule;
    if (action === "deny" || action === "reject") return "shut";
    if (found === "open") continue;
    found = action === "allow" && protocol !== undefined && comment === ownComment ? "open by us" : "open";
  }
  return found;
}

/**
 * What opens `ports`. A port that the administrator opened or shut is left as it is: ufw would change that rule into ours
 * instead of adding one.
 */
export function planUfwOpening(added: string, ports: readonly number[]): UfwCommand[] {
  return ports
    .filter((port) => portInRules(added, port) === "not named")
    .map((port) => ["allow", `${port}/tcp`, "comment", ownComment]);
}

/** What takes away the rules of ours, for the given ports or for all. */
export function planUfwClosing(added: string, ports?: readonly number[]): UfwCommand[] {
  const own = new RegExp(`^ufw allow (\\d+)/tcp comment '${ownComment}'$`);
  return added.split("\n").flatMap((line) => {
    const port = own.exec(line.trim())?.[1];
    if (port === undefined || (ports && !ports.includes(Number(port)))) return [];
    return [["delete", "allow", `${port}/tcp`]];
  });
}
