import type { ServerSettings } from "../../settings/server-settings.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import type { LiveHub } from "../../access/virtual-hubs.ts";
import type { Administration } from "../administration.ts";
import { RpcError } from "../rpc.ts";

/** @throws {RpcError} hubNotFound */
export function findHub(settings: ServerSettings, name: string): HubSettings {
  const found = settings.hubs.find((hub) => hub.name.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new RpcError("hubNotFound");
  return found;
}

/** @throws {RpcError} hubNotFound */
export function findLiveHub({ hubs }: Administration, name: string): LiveHub {
  const found = hubs.find(name);
  if (found === undefined) throw new RpcError("hubNotFound");
  return found;
}

/**
 * Changes one hub; resolves once that is on the disk and holds.
 *
 * @throws {RpcError} hubNotFound, and what `change` throws
 */
export async function updateHub(
  { update }: Administration,
  name: string,
  change: (hub: HubSettings) => HubSettings,
): Promise<void> {
  await update((settings) => {
    const former = findHub(settings, name);
    const next = change(former);
    return { ...settings, hubs: settings.hubs.map((hub) => (hub === former ? next : hub)) };
  });
}
