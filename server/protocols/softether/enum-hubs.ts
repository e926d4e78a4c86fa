import { packBeforeLoginLimits } from "../../limits.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import { Pack } from "../../wire/pack.ts";

/** Of the PACK without the names. */
const frameBytes = 64;
/** Of each name, before its text. */
const lengthBytes = 4;

/**
 * The answer to the method `enum_hub`, which clients fill a list to choose from with: the names of the hubs that do not hide, the first
 * ones if there are more than a client takes. Who asks has not logged in, and so gets no more than it may send.
 *
 *     HubName  STR[]  left out when there is none, since an element without values breaks the PACK
 *     NumHub   INT
 *
 * Source: `Cedar/Protocol.c` ServerAccept; `Mayaqua/HTTP.c` HttpClientRecv for the size that a client takes.
 */
export class HubList {
  readonly #hubs: () => readonly HubSettings[];
  #of: readonly HubSettings[] = [];
  #pack = packOf([]);

  /** @param hubs those of now; the same list as long as nothing of them has changed, so that asking over and over costs little */
  constructor(hubs: () => readonly HubSettings[]) {
    this.#hubs = hubs;
  }

  pack(): Pack {
    const hubs = this.#hubs();
    if (hubs === this.#of) return this.#pack;
    this.#of = hubs;
    return (this.#pack = packOf(hubs));
  }
}

function packOf(hubs: Iterable<HubSettings>): Pack {
  const names: string[] = [];
  let left = packBeforeLoginLimits.bytes - frameBytes;
  for (const { name, options } of hubs) {
    if (options.NoEnum) continue;
    left -= lengthBytes + Buffer.byteLength(name);
    if (left < 0) break;
    names.push(name);
  }
  const pack = new Pack();
  if (names.length > 0) pack.add("HubName", { type: "str", values: names });
  return pack.addInt("NumHub", names.length);
}
