import { sessionLimits } from "../../limits.ts";
import { prefixLengthOf } from "../../ethernet/ipv4-network.ts";
import { formatIpv4 } from "../../ethernet/word-address.ts";
import type { HubSummary, SecureNatSummary } from "../../contract/server-status.ts";
import { ipv6Problem } from "../../outside/ipv6-route.ts";
import { sessionWork, turns } from "../../turns.ts";
import type { RunningSecureNat } from "../secure-nat/running-secure-nat.ts";
import type { Feature } from "../feature.ts";

/** The Virtual Hubs and the sessions in them. */
export const hubs: Feature = {
  start({ hubs, sessions, configuration, secureNats }) {
    hubs.apply(configuration.settings.hubs);
    let isTicking = false;
    const ticks = setInterval(() => {
      if (isTicking) return;
      isTicking = true;
      void turns.run(sessions.tick(), sessionWork).finally(() => (isTicking = false));
    }, sessionLimits.tickMs);
    return {
      apply: async (settings) => {
        const reviews = hubs.begin(settings.hubs);
        const ended = await Promise.all(reviews.map(({ hub, steps }) => turns.run(steps, hub)));
        return ended.flat();
      },
      status: async () => ({
        hubs: await Promise.all(
          [...hubs].map(async ({ hub, sessions }) => ({
            name: hub.settings.name,
            online: hub.settings.online,
            sessions: sessions.size,
            ...(await summaryOf(secureNats.get(hub.settings.name.toLowerCase()))),
          })),
        ),
      }),
      close: () => {
        clearInterval(ticks);
        sessions.close();
      },
      abandon: () => sessions.close(),
    };
  },
};

async function summaryOf(running: RunningSecureNat | undefined): Promise<Pick<HubSummary, "secureNat">> {
  if (running === undefined) return {};
  const { address, mask } = running.settings.host;
  const { leases } = running.nat.counts();
  return {
    secureNat: {
      address: `${formatIpv4(address)}/${prefixLengthOf(mask)}`,
      leases,
      connections: await running.tcpConnections(),
      nat: running.way,
      ...(running.reason !== undefined && { natReason: running.reason }),
      ...(await ipv6SummaryOf(running)),
    },
  };
}

/** Sockets find out by themselves, packet by packet, where the host has a way to. */
async function ipv6SummaryOf({
  ipv6,
}: RunningSecureNat): Promise<Pick<SecureNatSummary, "ipv6" | "ipv6Reason">> {
  if (ipv6 === "off") return { ipv6 };
  if (ipv6 === "refused")
    return { ipv6, ipv6Reason: "the hub's options allow the kernel alone, which translates IPv4" };
  const problem = await ipv6Problem();
  return problem === undefined
    ? { ipv6 }
    : { ipv6: "refused", ipv6Reason: `the host has no way: ${problem}` };
}
