import { hashAdminPassword } from "../wire/sha0.ts";
import {
  bothRecords,
  formatRecord,
  readAppliedRecord,
  writeAppliedRecord,
  type AppliedRecord,
} from "./applied-record.ts";
import type { LiveConfiguration } from "../config/live-configuration.ts";
import { planChangeInSteps, type DesiredChange } from "./desired-change.ts";
import { parseDesiredStateInSteps, throwProblems, type DesiredState } from "./desired-state.ts";
import { timeProblem, type IdentityPem } from "../identity/identity-check.ts";
import { identityFromPem, isSameIdentity, leafOf } from "../identity/identity-pem.ts";
import { turns, type Steps } from "../turns.ts";
import type { LiveIdentity } from "../identity/live-identity.ts";
import type { StatePaths } from "../state-paths.ts";
import type { ServerSettings } from "../settings/server-settings.ts";
import { prefixLengthOf } from "../ethernet/ipv4-network.ts";
import { formatIpAddress } from "../ethernet/packed-address.ts";
import { uniqueLocalPlanOf } from "../ethernet/unique-local.ts";
import { formatIpv4 } from "../ethernet/word-address.ts";
import type { HubSettings } from "../settings/hub-settings.ts";
import { speaksIpv6 } from "../settings/secure-nat-settings.ts";
import type { HubNetwork } from "../contract/hub-network.ts";
import type { ApplyResult } from "../contract/apply-result.ts";

export interface StateApplierOptions {
  readonly paths: Pick<StatePaths, "appliedFile">;
  readonly configuration: LiveConfiguration;
  /** What the server is known by. */
  readonly identity: {
    readonly current: IdentityPem;
    /** See {@link LiveIdentity.replace}. */
    readonly replace: LiveIdentity["replace"];
  };
  /** Unix time in milliseconds. */
  readonly unixNow?: () => number;
}

export interface ApplyRequest {
  /** What JSON.parse gave of the desired state. */
  readonly desired: unknown;
  /** Tells what would change, and changes nothing. */
  readonly dryRun: boolean;
}

/** Applies desired states, one after the other. */
export class StateApplier {
  readonly #options: StateApplierOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: StateApplierOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the configuration is on the disk and the server has taken it.
   *
   * @throws {ServerError} USAGE with every problem of the desired state, STATE_INVALID when a file cannot be read or written;
   *   nothing has changed then
   */
  apply({ desired, dryRun }: ApplyRequest): Promise<ApplyResult> {
    return this.applyInSteps(parseDesiredStateInSteps(desired), dryRun);
  }

  /** Like {@link apply}, of a desired state that is read when its turn has come: nobody keeps the JSON that it is made of. */
  applyInSteps(desired: Steps<DesiredState>, dryRun: boolean): Promise<ApplyResult> {
    const applied = this.#last.then(() => this.#apply(desired, dryRun));
    this.#last = applied.catch(() => {});
    return applied;
  }

  async #apply(desired: Steps<DesiredState>, dryRun: boolean): Promise<ApplyResult> {
    const { paths, configuration, identity, unixNow = Date.now } = this.#options;
    const state = await turns.run(desired);
    const record = await readAppliedRecord(paths.appliedFile);
    const newIdentity = differentIdentity(identity.current, state, unixNow());
    const plan = function* (settings: ServerSettings): Steps<ServerChange> {
      const change = yield* planChangeInSteps(settings, record, state, unixNow());
      throwProblems(change.problems);
      const { hubs, localBridges } = change;
      return withAdminPassword({ ...change, settings: { ...settings, hubs, localBridges } }, state);
    };
    let change = await turns.run(plan(configuration.settings));
    let endedSessions: readonly string[] = [];
    if (!dryRun) {
      // Before all else: when it cannot be kept, nothing has changed.
      if (newIdentity !== undefined) await identity.replace(newIdentity);
      const both = await turns.run(bothRecords(record, change.record));
      await this.#keepRecord(record, both);
      if (change.changes.length > 0) {
        ({ endedSessions } = await configuration.update(function* (now) {
          // A user may have changed its password meanwhile.
          change = yield* plan(now);
          return change.settings;
        }));
      }
      // The settings may have become others meanwhile, and with them what is applied.
      await this.#keepRecord(await turns.run(bothRecords(record, change.record)), change.record);
      // Who applied something and looks into the file finds it there, not only in the journal.
      if (change.changes.length > 0) await configuration.store.flush();
    }
    const changes = [
      ...(newIdentity === undefined ? [] : ["certificate of the server changed"]),
      ...change.changes,
    ];
    return {
      changed: changes.length > 0,
      changes,
      endedSessions,
      certificate: leafOf(identity.current),
      ...(change.warnings.length > 0 && { warnings: change.warnings }),
      hubs: change.hubs.map(({ name }) => name),
      networks: change.hubs.filter(({ secureNat }) => secureNat.enabled).map(networkOf),
    };
  }

  async #keepRecord(former: AppliedRecord, record: AppliedRecord): Promise<void> {
    const text = await turns.run(formatRecord(record));
    if ((await turns.run(formatRecord(former))) === text) return;
    await writeAppliedRecord(this.#options.paths.appliedFile, text);
  }
}

function networkOf({ name, secureNat }: HubSettings): HubNetwork {
  const { host, nat, dhcp } = secureNat;
  const { address, network } = uniqueLocalPlanOf(host.mac);
  return {
    hub: name,
    address: `${formatIpv4(host.address)}/${prefixLengthOf(host.mask)}`,
    ...(speaksIpv6(secureNat) && { ipv6Address: `${formatIpAddress(address)}/${network.prefixLength}` }),
    nat: nat.enabled,
    dhcpRange: dhcp.enabled ? `${formatIpv4(dhcp.first)}-${formatIpv4(dhcp.last)}` : null,
    leaseSeconds: dhcp.leaseSeconds,
    gateway: dhcp.gateway === 0 ? null : formatIpv4(dhcp.gateway),
    nameServers: dhcp.nameServers.filter((address) => address !== 0).map(formatIpv4),
  };
}

/**
 * What the server is to be known by from now on; undefined when that is what it is known by, or nothing is desired.
 *
 * @throws {ServerError} USAGE for a certificate whose time it is not: the same certificate may stay when its time is over
 */
function differentIdentity(
  present: IdentityPem,
  { identity: desired }: DesiredState,
  now: number,
): IdentityPem | undefined {
  if (desired === undefined || isSameIdentity(identityFromPem(present), identityFromPem(desired))) {
    return undefined;
  }
  const problem = timeProblem(desired, now);
  throwProblems(problem === undefined ? [] : [`certificate: ${problem}`]);
  return desired;
}

interface ServerChange extends DesiredChange {
  readonly settings: ServerSettings;
}

function withAdminPassword(change: ServerChange, { adminPassword }: DesiredState): ServerChange {
  if (adminPassword === undefined) return change;
  const hashedPassword = hashAdminPassword(adminPassword);
  if (hashedPassword.equals(change.settings.hashedPassword)) return change;
  return {
    ...change,
    settings: { ...change.settings, hashedPassword },
    changes: ["password of the administrator changed", ...change.changes],
  };
}
