import { randomBytes } from "node:crypto";
import { AnsweringPort } from "../../hub/answering-port.ts";
import { secureNatLimits } from "../../limits.ts";
import { hostNetwork } from "../../outside/host-network.ts";
import { isReachable } from "../../secure-nat/reachable-addresses.ts";
import { SecureNat } from "../../secure-nat/secure-nat.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import { defaultPolicy } from "../../settings/policy.ts";
import type { Feature } from "../feature.ts";

/** The virtual hosts of the hubs that have one. */
export const secureNat: Feature = {
  start({ hubs, configuration, secureNats }) {
    const running = new Map<
      string,
      { readonly settings: HubSettings["secureNat"]; readonly hub: object; stop(): void }
    >();
    const apply = (all: readonly HubSettings[]) => {
      const wanted = new Map(
        all
          .filter(({ online, secureNat }) => online && secureNat.enabled)
          .map((hub) => [hub.name.toLowerCase(), hub]),
      );
      for (const [key, entry] of running) {
        const isSame = wanted.get(key)?.secureNat === entry.settings && hubs.find(key)?.hub === entry.hub;
        if (isSame) continue;
        entry.stop();
        running.delete(key);
        secureNats.delete(key);
      }
      for (const [key, { secureNat: settings }] of wanted) {
        const live = hubs.find(key);
        if (live === undefined || running.has(key)) continue;
        const port: AnsweringPort = new AnsweringPort({
          name: `SID-SECURENAT-${++live.sessionCount}`,
          userName: "SecureNAT",
          kind: "secure-nat",
          policy: defaultPolicy,
          receive: (buffer, start, end) => nat.receive(buffer, start, end),
          turnEnded: () => nat.turnEnded(),
          nextTurn: (callback) => void setImmediate(callback),
        });
        const nat = new SecureNat({
          settings,
          outside: hostNetwork,
          mayReach: (address) => isReachable(address, settings.nat.openNetworks),
          send: (buffer, start, end) => port.sendBlocks(buffer, start, end),
          soon: queueMicrotask,
          now: () => performance.now(),
          unixNow: () => Date.now(),
          random: () => randomBytes(4).readUInt32BE(),
        });
        port.plugInto(live.hub.attach(port));
        const ticks = setInterval(() => nat.tick(), secureNatLimits.tickMs);
        secureNats.set(key, nat);
        running.set(key, {
          settings,
          hub: live.hub,
          stop: () => {
            clearInterval(ticks);
            nat.close();
            port.unplug();
          },
        });
      }
    };
    apply(configuration.settings.hubs);
    return {
      apply: (settings) => {
        apply(settings.hubs);
        return [];
      },
      close: () => apply([]),
      abandon: () => {},
    };
  },
};
