import type { HubSettings } from "../../settings/hub-settings.ts";
import { Pack } from "../../wire/pack.ts";

/**
 * The answer to the method `enum_hub`, which clients fill a list to choose from with: the names of all hubs that do not hide.
 *
 *     HubName  STR[]  left out when there is none, since an element without values breaks the PACK
 *     NumHub   INT
 *
 * Source: `Cedar/Protocol.c` ServerAccept.
 */
export function enumHubs(hubs: readonly HubSettings[]): Pack {
  const names = hubs.filter((hub) => !hub.options.NoEnum).map((hub) => hub.name);
  const pack = new Pack();
  if (names.length > 0) pack.add("HubName", { type: "str", values: names });
  return pack.addInt("NumHub", names.length);
}
