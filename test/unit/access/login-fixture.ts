import { neverGone } from "./manual-clock.ts";
import { createHubSettings, hashHubPassword } from "../../../server/config/sections/hub-config.ts";
import {
  defaultHubOptions,
  type Authentication,
  type GroupSettings,
  type HubOptions,
  type HubSettings,
  type UserSettings,
} from "../../../server/settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../../../server/settings/policy.ts";
import type { NodeInfo } from "../../../server/access/client-info.ts";
import type { EntryRequest } from "../../../server/access/entry-request.ts";
import { hashPassword } from "../../../server/wire/sha0.ts";

/** The challenge of the reference's vectors. */
export const random = Uint8Array.from({ length: 20 }, (_value, index) => index);

export const now = Date.parse("2026-06-01T12:00:00Z");

export function passwordOf(password: string, userName: string): Authentication {
  return { type: "password", hashedKey: hashPassword(password, userName), ntLmHash: new Uint8Array(16) };
}

export function userOf(name: string, changed: Partial<UserSettings> = {}): UserSettings {
  return {
    name,
    realName: "",
    note: "",
    group: undefined,
    authentication: passwordOf("secret", name),
    expiresAt: undefined,
    policy: undefined,
    createdAt: 0,
    updatedAt: 0,
    ...changed,
  };
}

export function groupOf(name: string, policy?: Partial<Policy>): GroupSettings {
  return { name, realName: "", note: "", policy: policy && policyWith(policy) };
}

export function policyWith(changed: Partial<Policy>): Policy {
  return { ...defaultPolicy, ...changed };
}

const hubWithPassword: HubSettings = { ...createHubSettings("DEFAULT"), ...hashHubPassword("hub") };

/** A hub whose administration password is "hub". */
export function hubOf(
  changed: Partial<Omit<HubSettings, "users" | "groups" | "options">> & {
    users?: readonly UserSettings[];
    groups?: readonly GroupSettings[];
    options?: Partial<HubOptions>;
  } = {},
): HubSettings {
  const byName = <T extends { name: string }>(all: readonly T[] = []) =>
    new Map(all.map((each) => [each.name.toLowerCase(), each]));
  return {
    ...hubWithPassword,
    ...changed,
    options: { ...defaultHubOptions, ...changed.options },
    users: byName(changed.users),
    groups: byName(changed.groups),
  };
}

export const nodeId = (byte: number) => new Uint8Array(16).fill(byte);

export function requestOf(changed: Partial<EntryRequest> = {}): EntryRequest {
  const address = { hostName: "", address: "0.0.0.0", address6: new Uint8Array(16), port: 0 };
  const node: NodeInfo = {
    clientProduct: "",
    clientVersion: 0,
    clientBuild: 0,
    serverProduct: "",
    serverVersion: 0,
    serverBuild: 0,
    osName: "",
    osVersion: "",
    osProductId: "",
    client: address,
    server: address,
    proxy: address,
    uniqueId: nodeId(1),
  };
  return {
    hubName: "DEFAULT",
    userName: "alice",
    proof: { type: "anonymous" },
    bridgeMode: false,
    monitorMode: false,
    client: { product: "SoftEther VPN Client", version: 501, build: 9674, clientId: 0 },
    node,
    connectionName: "CID-1",
    gone: neverGone,
    peer: { address: "192.0.2.9", port: 50_000 },
    ...changed,
  };
}
