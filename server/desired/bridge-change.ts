import { randomTapMac } from "../config/sections/local-bridge-config.ts";
import { localBridgeLimits } from "../limits.ts";
import {
  createLocalBridge,
  isSameBridge,
  type LocalBridgeSettings,
} from "../settings/local-bridge-settings.ts";
import type { AppliedHub } from "./applied-record.ts";
import type { DesiredBridge } from "./desired-bridge.ts";

/** In the record: a bridge that `apply` made, or found as desired. */
export function bridgeKey({ device, tap }: DesiredBridge): string {
  return `localBridges.${tap ? "tap" : "interface"}.${device.toLowerCase()}`;
}

/** The change of the bridges, hub by hub: those that were applied and are desired no more go, those of others stay. */
export class BridgeChange {
  readonly changes: string[] = [];
  readonly problems: string[] = [];
  #bridges: readonly LocalBridgeSettings[];

  constructor(bridges: readonly LocalBridgeSettings[]) {
    this.#bridges = bridges;
  }

  get bridges(): readonly LocalBridgeSettings[] {
    return this.#bridges;
  }

  /** @param desired of the hub; undefined where nothing is told, so that what was applied goes */
  to(hubName: string, { settings: applied }: AppliedHub, desired: readonly DesiredBridge[] = []): void {
    const wanted = desired.map(({ device, tap }) =>
      createLocalBridge(hubName, device, tap ? randomTapMac() : undefined),
    );
    const isWanted = (bridge: LocalBridgeSettings) => wanted.some((each) => isSameBridge(each, bridge));
    const goes = (bridge: LocalBridgeSettings) =>
      bridge.hubName.toLowerCase() === hubName.toLowerCase() &&
      applied.has(bridgeKey({ device: bridge.deviceName, tap: bridge.tap !== undefined })) &&
      !isWanted(bridge);
    const gone = this.#bridges.filter(goes);
    const added = wanted.filter((bridge) => !this.#bridges.some((each) => isSameBridge(each, bridge)));
    if (gone.length === 0 && added.length === 0) return;
    this.#bridges = [...this.#bridges.filter((bridge) => !goes(bridge)), ...added];
    for (const bridge of gone)
      this.changes.push(`hub ${hubName}: local bridge to ${deviceOf(bridge)} deleted`);
    for (const bridge of added)
      this.changes.push(`hub ${hubName}: local bridge to ${deviceOf(bridge)} created`);
    if (this.#bridges.length > localBridgeLimits.bridges) {
      this.problems.push(
        `hubs: there would be more than ${localBridgeLimits.bridges} local bridges on the server`,
      );
    }
  }
}

function deviceOf({ deviceName, tap }: LocalBridgeSettings): string {
  return tap === undefined ? deviceName : `the TAP ${deviceName}`;
}
