import { sessionLimits } from "../../limits.ts";
import { prefixLengthOf } from "../../ethernet/ipv4-network.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import type { HubSummary } from "../../contract/server-status.ts";
import { turns } from "../../turns.ts";
import type { RunningSecureNat } from "../secure-nat/running-secure-nat.ts";
import type { Feature } from "../feature.ts";

/** The Virtual Hubs and the sessions in them. */
export const hubs: Feature = {
  start({ hubs, sessions, configuration, secureNats }) {
    hubs.apply(configuration.settings.hubs);
    const ticks = setInterval(() => sessions.tick(), sessionLimits.tickMs);
    return {
      apply: async (settings) => {
        const reviews = hubs.begin(settings.hubs);
        const ended = await Promise.all(reviews.map(({ hub, steps }) => turns.run(steps, hub)));
        return ended.flat();
      },
      status: () => ({
        hubs: [...hubs].map(({ hub, sessions }) => ({
          name: hub.settings.name,
          online: hub.settings.online,
          sessions: sessions.size,
          ...summaryOf(secureNats.get(hub.settings.name.toLowerCase())),
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

function summaryOf(running: RunningSecureNat | undefined): Pick<HubSummary, "secureNat"> {
  if (running === undefined) return {};
  const { address, mask } = running.settings.host;
  const { leases, tcp } = running.nat.counts();
  return {
    secureNat: {
      address: `${formatIpv4(address)}/${prefixLengthOf(mask)}`,
      leases,
      connections: tcp,
      nat: running.way,
      ...(running.reason !== undefined && { natReason: running.reason }),
    },
  };
}
