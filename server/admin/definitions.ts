import { accessRpcs } from "./definitions/access-rpcs.ts";
import { accountRpcs } from "./definitions/account-rpcs.ts";
import { bridgeRpcs } from "./definitions/bridge-rpcs.ts";
import { cascadeRpcs } from "./definitions/cascade-rpcs.ts";
import { clusterRpcs } from "./definitions/cluster-rpcs.ts";
import { connectionRpcs } from "./definitions/connection-rpcs.ts";
import { ddnsRpcs } from "./definitions/ddns-rpcs.ts";
import { hubRpcs } from "./definitions/hub-rpcs.ts";
import { layer3Rpcs } from "./definitions/layer3-rpcs.ts";
import { licenseRpcs } from "./definitions/license-rpcs.ts";
import { listenerRpcs } from "./definitions/listener-rpcs.ts";
import { logRpcs } from "./definitions/log-rpcs.ts";
import { secureNatRpcs } from "./definitions/secure-nat-rpcs.ts";
import { serverRpcs } from "./definitions/server-rpcs.ts";
import { sessionRpcs } from "./definitions/session-rpcs.ts";
import type { RpcDefinition, RpcHandler } from "./rpc.ts";

/** Every method of the administration, by its name. */
export const rpcs = {
  ...serverRpcs,
  ...listenerRpcs,
  ...connectionRpcs,
  ...hubRpcs,
  ...accountRpcs,
  ...sessionRpcs,
  ...accessRpcs,
  ...secureNatRpcs,
  ...cascadeRpcs,
  ...bridgeRpcs,
  ...layer3Rpcs,
  ...logRpcs,
  ...clusterRpcs,
  ...licenseRpcs,
  ...ddnsRpcs,
};

export type RpcName = keyof typeof rpcs;

/** What answers the methods; one that is not there is not supported. */
export type RpcHandlers = { readonly [Name in RpcName]?: RpcHandler<(typeof rpcs)[Name]> };

/** Names that older programs use for the same method. */
const formerNames: ReadonlyMap<string, RpcName> = new Map([
  ["getddnsinternetsettng", "GetDDnsInternetSetting"],
  ["setddnsinternetsettng", "SetDDnsInternetSetting"],
]);

const namesInLowerCase: ReadonlyMap<string, RpcName> = new Map([
  ...formerNames,
  ...(Object.keys(rpcs) as RpcName[]).map((name) => [name.toLowerCase(), name] as const),
]);

/** The method of this name, in any case of letters. */
export function findRpc(
  name: string,
): { readonly name: RpcName; readonly definition: RpcDefinition } | undefined {
  const found = namesInLowerCase.get(name.toLowerCase());
  return found === undefined ? undefined : { name: found, definition: rpcs[found] };
}
