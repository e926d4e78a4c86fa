import { isDeepStrictEqual } from "node:util";
import {
  defaultHubLog,
  defaultHubOptions,
  packetLogKinds,
  type Authentication,
  type GroupSettings,
  type HubLogSettings,
  type HubOptions,
  type HubSettings,
  type UserSettings,
} from "../settings/hub-settings.ts";
import type { AppliedHub, AppliedRecord } from "./applied-record.ts";
import { createSecureNatSettings, type SecureNatSettings } from "../settings/secure-nat-settings.ts";
import type { LocalBridgeSettings } from "../settings/local-bridge-settings.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import { BridgeChange, bridgeKey } from "./bridge-change.ts";
import { valuesPerStep, type Steps } from "../turns.ts";
import type { DesiredSecureNat } from "./desired-secure-nat.ts";
import type { DesiredHub, DesiredState, DesiredUser } from "./desired-state.ts";
import { passwordAuthentication } from "../config/sections/account-config.ts";
import { createHubSettings, hashHubPassword } from "../config/sections/hub-config.ts";

/** What a desired state makes of the hubs. */
export interface DesiredChange {
  /** What did not change is the same object as before. */
  readonly hubs: readonly HubSettings[];
  readonly localBridges: readonly LocalBridgeSettings[];
  readonly record: AppliedRecord;
  /** One line each, such as `hub DEFAULT: user alice created`. */
  readonly changes: readonly string[];
  /** What is as desired, and hardly meant. */
  readonly warnings: readonly string[];
  /** Why it cannot be, each with its path. */
  readonly problems: readonly string[];
}

const nothingApplied: AppliedHub = {
  created: false,
  users: new Set(),
  groups: new Set(),
  settings: new Set(),
};

/**
 * What is desired is made so. What was applied before and is no longer desired goes: hubs that `apply` created, users,
 * groups; a setting of a hub becomes the default again, but for the administration password, which stays. All else, which
 * others made, is left as it is.
 *
 * A hub that is new and has users gets SecureNAT, unless it is told whether it does, or has a local bridge: a VPN that leads nowhere
 * helps nobody. One that is there keeps what it has, and there is a warning where that leads nowhere.
 *
 * @param now Unix time in milliseconds
 */
export function* planChangeInSteps(
  { hubs, localBridges }: Pick<ServerSettings, "hubs" | "localBridges">,
  record: AppliedRecord,
  desired: DesiredState,
  now: number,
): Steps<DesiredChange> {
  const changes: string[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  const result: HubSettings[] = [];
  const bridges = new BridgeChange(localBridges);
  const hasBridge = (name: string) =>
    bridges.bridges.some(({ hubName }) => hubName.toLowerCase() === name.toLowerCase());
  const applied = new Map<string, AppliedHub>();
  const left = new Map(desired.hubs.map((hub) => [hub.name.toLowerCase(), hub]));
  for (const hub of hubs) {
    yield;
    const key = hub.name.toLowerCase();
    const before = record.hubs.get(key) ?? nothingApplied;
    const wanted = left.get(key);
    left.delete(key);
    bridges.to(hub.name, before, wanted?.localBridges);
    if (wanted === undefined && before.created) {
      changes.push(`hub ${hub.name}: deleted`);
      continue;
    }
    const change = new HubChange(hub, before, { now, hasBridge: hasBridge(hub.name) });
    const changed = yield* change.to(wanted ?? released(hub.name, before));
    result.push(changed);
    changes.push(...change.changes);
    problems.push(...change.problems);
    warnings.push(...change.warnings);
    if (wanted !== undefined) applied.set(key, appliedOf(wanted, before.created, change.hasUsualSecureNat));
  }
  for (const [key, hub] of left) {
    yield;
    bridges.to(hub.name, nothingApplied, hub.localBridges);
    const change = new HubChange(createHubSettings(hub.name), nothingApplied, {
      now,
      hasBridge: hasBridge(hub.name),
    });
    result.push(yield* change.to(hub));
    changes.push(`hub ${hub.name}: created`, ...change.changes);
    problems.push(...change.problems);
    applied.set(key, appliedOf(hub, true, change.hasUsualSecureNat));
  }
  return {
    hubs: result,
    localBridges: bridges.bridges,
    record: { hubs: applied },
    changes: [...changes, ...bridges.changes],
    warnings,
    problems: [...problems, ...bridges.problems],
  };
}

/** Nothing is desired of a hub any more. */
function released(name: string, before: AppliedHub): DesiredHub {
  return {
    name,
    path: "",
    online: undefined,
    maxSessions: undefined,
    message: undefined,
    adminPassword: undefined,
    users: [],
    groups: [],
    trustedAuthorities: undefined,
    accessList: undefined,
    options: {},
    log: { saveSecurityLog: undefined, savePacketLog: undefined, packetLog: {} },
    localBridges: undefined,
    secureNat: before.settings.has(usualSecureNat) ? { enabled: false, plan: undefined } : undefined,
  };
}

/** In the record: nobody told whether the hub has SecureNAT, and it was new. */
const usualSecureNat = "secureNat.usual";

function appliedOf(hub: DesiredHub, created: boolean, hasUsualSecureNat: boolean): AppliedHub {
  const settings = plainSettings.filter((name) => hub[name] !== undefined) as string[];
  settings.push(...Object.keys(hub.options).map((name) => `options.${name}`));
  settings.push(...logSwitches.filter((name) => hub.log[name] !== undefined).map((name) => `log.${name}`));
  settings.push(...Object.keys(hub.log.packetLog).map((kind) => `log.packetLog.${kind}`));
  settings.push(...(hub.localBridges ?? []).map(bridgeKey));
  if (hub.secureNat !== undefined) settings.push("secureNat");
  if (hub.secureNat?.plan !== undefined) settings.push("secureNat.plan");
  if (hasUsualSecureNat) settings.push(usualSecureNat);
  const names = (named: readonly { readonly name: string }[]) =>
    new Set(named.map(({ name }) => name.toLowerCase()));
  return { created, users: names(hub.users), groups: names(hub.groups), settings: new Set(settings) };
}

const plainSettings = ["online", "maxSessions", "message", "accessList", "trustedAuthorities"] as const;
const logSwitches = ["saveSecurityLog", "savePacketLog"] as const;

const settingTitles: Readonly<Record<(typeof plainSettings)[number], string>> = {
  online: "online",
  maxSessions: "maximum of sessions",
  message: "message",
  accessList: "access list",
  trustedAuthorities: "trusted authorities",
};

/** Whether a hub is as it was made, so that nobody has come to rely on it. */
function isUntouched(hub: HubSettings): boolean {
  const made = createHubSettings(hub.name);
  return isDeepStrictEqual(hub, { ...made, secureNat: createSecureNatSettings(hub.secureNat.host.mac) });
}

/** The change of one hub. */
class HubChange {
  readonly changes: string[] = [];
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #hub: HubSettings;
  readonly #before: AppliedHub;
  readonly #now: number;
  readonly #hasBridge: boolean;
  #hasUsualSecureNat = false;

  constructor(
    hub: HubSettings,
    before: AppliedHub,
    { now, hasBridge }: { readonly now: number; readonly hasBridge: boolean },
  ) {
    this.#hub = hub;
    this.#before = before;
    this.#now = now;
    this.#hasBridge = hasBridge;
  }

  *to(desired: DesiredHub): Steps<HubSettings> {
    const hub = this.#hub;
    const groups = yield* this.#groups(desired);
    const settings: HubSettings = {
      ...hub,
      ...(yield* this.#plainSettings(desired)),
      ...this.#password(desired),
      options: this.#options(desired.options),
      log: this.#log(desired.log),
      secureNat: this.#secureNat(desired),
      groups,
      users: yield* this.#users(desired, groups),
    };
    return this.changes.length === 0 ? hub : settings;
  }

  /** In one piece: a text that is put together by `+` or in a template is an object for each of its parts, and there may be 100,000. */
  #tell(change: string): void {
    this.changes.push(["hub ", this.#hub.name, ": ", change].join(""));
  }

  /** What a setting is to be: as desired, the default when it was applied before, or else as it is. */
  #choose<T>(setting: string, desired: T | undefined, normal: T, present: T): T {
    const chosen = desired ?? (this.#before.settings.has(setting) ? normal : present);
    return isDeepStrictEqual(chosen, present) ? present : chosen;
  }

  *#plainSettings(desired: DesiredHub): Steps<Partial<HubSettings>> {
    const normal = createHubSettings(this.#hub.name);
    const entries = [];
    for (const name of plainSettings) {
      const present: unknown = this.#hub[name];
      const wanted: unknown = desired[name];
      const chosen =
        Array.isArray(wanted) && (yield* isSameList(wanted, present))
          ? present
          : this.#choose<unknown>(name, wanted, normal[name], present);
      if (chosen !== present) {
        const value = typeof chosen === "boolean" || typeof chosen === "number" ? ` ${chosen}` : " changed";
        this.#tell(`${settingTitles[name]}${value}`);
      }
      entries.push([name, chosen]);
    }
    return Object.fromEntries(entries) as Partial<HubSettings>;
  }

  #password({ adminPassword }: DesiredHub): Partial<HubSettings> {
    if (adminPassword === undefined) return {};
    const { hashedPassword, securePassword } = this.#hub;
    const hashes = hashHubPassword(adminPassword);
    if (isDeepStrictEqual(hashes, { hashedPassword, securePassword })) return {};
    this.#tell("administration password changed");
    return hashes;
  }

  #options(desired: Partial<HubOptions>): HubOptions {
    const present = this.#hub.options;
    const entries = (Object.keys(present) as (keyof HubOptions)[]).map((name) => {
      const chosen = this.#choose(`options.${name}`, desired[name], defaultHubOptions[name], present[name]);
      if (chosen !== present[name]) this.#tell(`option ${name} ${chosen}`);
      return [name, chosen];
    });
    return { ...present, ...(Object.fromEntries(entries) as Partial<HubOptions>) };
  }

  #log(desired: DesiredHub["log"]): HubLogSettings {
    const present = this.#hub.log;
    const choose = <T>(name: string, wanted: T | undefined, normal: T, now: T): T => {
      const chosen = this.#choose(`log.${name}`, wanted, normal, now);
      if (chosen !== now) this.#tell(`log ${name} ${String(chosen)}`);
      return chosen;
    };
    const levels = packetLogKinds.map((kind) => [
      kind,
      choose(
        `packetLog.${kind}`,
        desired.packetLog[kind],
        defaultHubLog.packetLog[kind],
        present.packetLog[kind],
      ),
    ]);
    const [saveSecurityLog = true, savePacketLog = true] = logSwitches.map((name) =>
      choose(name, desired[name], defaultHubLog[name], present[name]),
    );
    const packetLog = Object.fromEntries(levels) as HubLogSettings["packetLog"];
    return { ...present, saveSecurityLog, savePacketLog, packetLog };
  }

  /** Whether the hub has SecureNAT, if nobody changed it since, because it was new and nobody told. */
  get hasUsualSecureNat(): boolean {
    return this.#hasUsualSecureNat;
  }

  #secureNat(desired: DesiredHub): SecureNatSettings {
    const present = this.#hub.secureNat;
    const normal = createSecureNatSettings(present.host.mac);
    const { perClient } = present.nat;
    const { enabled, plan } = desired.secureNat ?? this.#usualSecureNat(desired);
    const chosen = this.#choose(
      "secureNat.plan",
      plan && {
        ...plan,
        enabled: true,
        host: { ...plan.host, mac: plan.host.mac ?? present.host.mac },
        nat: { ...plan.nat, perClient },
      },
      { ...normal, enabled: true, nat: { ...normal.nat, perClient } },
      { ...present, enabled: true },
    );
    const isOn = this.#choose("secureNat", enabled, normal.enabled, present.enabled);
    const settings = { ...chosen, enabled: isOn };
    const isTold = desired.secureNat !== undefined;
    if (!isOn && !isTold && !this.#hasBridge && desired.users.length > 0) {
      this.warnings.push(
        `hub ${this.#hub.name} leads nowhere: it has neither SecureNAT nor a local bridge, so that its users reach each other alone; ` +
          "set secureNat of the hub to true, or to false if that is meant",
      );
    }
    if (isOn !== present.enabled) this.#tell(`SecureNAT ${isOn ? "on" : "off"}`);
    else if (!isDeepStrictEqual(settings, present)) this.#tell("SecureNAT changed");
    return isDeepStrictEqual(settings, present) ? present : settings;
  }

  #usualSecureNat({ users }: DesiredHub): Partial<DesiredSecureNat> {
    const isNew = this.#before === nothingApplied && isUntouched(this.#hub);
    // A second DHCP server would disturb the network that a bridge leads to.
    const getsIt = isNew && !this.#hasBridge && users.length > 0;
    this.#hasUsualSecureNat = getsIt || this.#before.settings.has(usualSecureNat);
    return getsIt ? { enabled: true } : {};
  }

  #groups(desired: DesiredHub): Steps<HubSettings["groups"]> {
    return this.#accounts<GroupSettings, GroupSettings>("group", this.#hub.groups, {
      desired: desired.groups,
      applied: this.#before.groups,
      make: ({ name, realName, note, policy }) => ({ name, realName, note, policy }),
    });
  }

  *#users(desired: DesiredHub, groups: HubSettings["groups"]): Steps<HubSettings["users"]> {
    for (const [index, { group }] of desired.users.entries()) {
      if (group !== undefined && !groups.has(group.toLowerCase())) {
        this.problems.push(
          `${desired.path}.users[${index}].group: there is no group "${group}" in hub ${this.#hub.name}; add it to the hub's groups`,
        );
      }
    }
    const users = yield* this.#accounts<UserSettings, DesiredUser>("user", this.#hub.users, {
      desired: desired.users,
      applied: this.#before.users,
      make: (user, present) => this.#makeUser(user, present),
    });
    const memberOfNone = [...users.values()].filter(
      ({ group }) => group !== undefined && !groups.has(group.toLowerCase()),
    );
    if (memberOfNone.length === 0 || this.problems.length > 0) return users;
    // As there, whoever was in a group that is gone is in none.
    const changed = new Map(users);
    for (const user of memberOfNone) {
      this.#tell(`user ${user.name} left the group ${user.group}`);
      changed.set(user.name.toLowerCase(), { ...user, group: undefined, updatedAt: this.#now });
    }
    return changed;
  }

  #makeUser(desired: DesiredUser, present: UserSettings | undefined): UserSettings {
    const { name, realName, note, group, expiresAt, policy } = desired;
    const authentication = makeAuthentication(desired, present?.authentication);
    const createdAt = present?.createdAt ?? this.#now;
    const updatedAt = present?.updatedAt ?? this.#now;
    const user = { name, realName, note, group, authentication, expiresAt, policy, createdAt, updatedAt };
    return present === undefined || isDeepStrictEqual(user, present)
      ? user
      : { ...user, updatedAt: this.#now };
  }

  *#accounts<T extends { readonly name: string }, D extends { readonly name: string }>(
    kind: "user" | "group",
    present: ReadonlyMap<string, T>,
    plan: {
      readonly desired: readonly D[];
      readonly applied: ReadonlySet<string>;
      readonly make: (desired: D, present: T | undefined) => T;
    },
  ): Steps<ReadonlyMap<string, T>> {
    let accounts: Map<string, T> | undefined;
    const desiredNames = new Set(plan.desired.map(({ name }) => name.toLowerCase()));
    for (const [key, { name }] of present) {
      if (!plan.applied.has(key) || desiredNames.has(key)) continue;
      (accounts ??= new Map(present)).delete(key);
      this.#tell(`${kind} ${name} deleted`);
    }
    let looks = 0;
    for (const desired of plan.desired) {
      if (++looks % usersPerStep === 0) yield;
      const key = desired.name.toLowerCase();
      const existing = present.get(key);
      const made = plan.make(desired, existing);
      if (existing !== undefined && isDeepStrictEqual(made, existing)) continue;
      (accounts ??= new Map(present)).set(key, made);
      this.#tell(`${kind} ${made.name} ${existing === undefined ? "created" : "updated"}`);
    }
    return accounts ?? present;
  }
}

/** A password that is the same keeps what else is kept of it. */
function makeAuthentication(desired: DesiredUser, present: Authentication | undefined): Authentication {
  const { name, authentication } = desired;
  if (authentication.type !== "password") return authentication;
  const made = hashed.get(desired) ?? passwordAuthentication(authentication.password, name);
  hashed.set(desired, made);
  if (present?.type === "password" && isDeepStrictEqual(present.hashedKey, made.hashedKey)) return present;
  return made;
}

/** Of passwords, which cost most: a change is planned twice, and what is planned second has to be what the first told. */
const hashed = new WeakMap<DesiredUser, ReturnType<typeof passwordAuthentication>>();

/** Users of whom each has a password that is hashed. */
const usersPerStep = 8;

/** The same as {@link isDeepStrictEqual}, of lists that may be long. */
function* isSameList(one: readonly unknown[], other: unknown): Steps<boolean> {
  if (!Array.isArray(other) || one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (index % valuesPerStep === valuesPerStep - 1) yield;
    if (!isDeepStrictEqual(one[index], other[index])) return false;
  }
  return true;
}
