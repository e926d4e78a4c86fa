import { sessionLimits } from "../../limits.ts";
import type { Feature } from "../feature.ts";

/** The Virtual Hubs and the sessions in them. */
export const hubs: Feature = {
  start({ hubs, sessions, configuration }) {
    hubs.apply(configuration.settings.hubs);
    const ticks = setInterval(() => sessions.tick(), sessionLimits.tickMs);
    return {
      apply: (settings) => hubs.apply(settings.hubs),
      status: () => ({
        hubs: [...hubs].map(({ hub, sessions }) => ({
          name: hub.settings.name,
          online: hub.settings.online,
          sessions: sessions.size,
        })),
      }),
      close: () => {
        clearInterval(ticks);
        sessions.close();
      },
      abandon: () => sessions.close(),
    };
  },
};
