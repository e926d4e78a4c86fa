import { randomFillSync, randomInt } from "node:crypto";
import { totalmem } from "node:os";
import { sessionLimits, slabLimits } from "../../limits.ts";
import { ClientRequests } from "../../protocols/softether/client-requests.ts";
import { QueueMemory } from "../../protocols/softether/queue-memory.ts";
import { SlabPool } from "../../protocols/softether/slab-pool.ts";
import { SoftEtherProtocol } from "../../protocols/softether/softether-protocol.ts";
import type { UserSettings } from "../../settings/hub-settings.ts";
import { LayeredMap } from "../../settings/layered-map.ts";
import type { ServerSettings } from "../../settings/server-settings.ts";
import type { Feature } from "../feature.ts";

/** SoftEther's SSL-VPN protocol, on every listener. */
export const softEther: Feature = {
  start({ hubs, sessions, configuration, protocols, clientMethods, webPages }) {
    const slabs = new SlabPool();
    const requests = new ClientRequests({
      hubs,
      hubSettings: () => configuration.settings.hubs,
      sessions,
      environment: {
        now: () => performance.now(),
        // From the pool of small buffers: with memory of its own for each keep-alive, each makes the garbage collector do a part of its work.
        randomBytes: (count) => randomFillSync(Buffer.allocUnsafe(count)),
        randomInt,
        slabs,
        memory: new QueueMemory(
          Math.min(sessionLimits.totalQueueBytes, memoryOfMachine() * sessionLimits.totalQueueShare),
        ),
        endsWithLastConnection: !configuration.settings.access.reconnect,
      },
      unixNow: () => Date.now(),
      storeUser: async (hubName, user) => {
        await configuration.update((settings) => withUser(settings, hubName, user));
      },
    });
    protocols.push(
      new SoftEtherProtocol({
        answerRequest: (request) =>
          clientMethods.get(request.pack.str("method"))?.(request) ?? requests.answer(request),
        answerWeb: async (request) => (await webPages.get(firstPart(request.target))?.(request)) ?? notFound,
      }),
    );
    const trims = setInterval(() => slabs.trim(), slabLimits.trimMs);
    return { close: () => clearInterval(trims) };
  },
};

/** Bytes that the process may have: the machine's memory, or what its control group allows. */
function memoryOfMachine(): number {
  // 0 where nothing is known of it.
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

const notFound = {
  status: 404,
  headers: { "Content-Type": "text/plain" },
  body: "There is nothing here.\n",
};

/** Such as `api` of `/api/?x=y`. */
function firstPart(target: string): string {
  return /^\/([^/?]*)/.exec(target)?.[1] ?? "";
}

/** The settings with a user in the place of the one of the same name. */
function withUser(settings: ServerSettings, hubName: string, user: UserSettings): ServerSettings {
  return {
    ...settings,
    hubs: settings.hubs.map((hub) =>
      hub.name === hubName
        ? { ...hub, users: LayeredMap.with(hub.users, user.name.toLowerCase(), user) }
        : hub,
    ),
  };
}
