import { wordsOf } from "../../error-words.ts";
import { HostNetwork } from "../../outside/host-network.ts";
import { openFileLimit } from "../../platform/proc.ts";
import type { HubSettings } from "../../settings/hub-settings.ts";
import type { Feature } from "../feature.ts";
import { readLeases, writeLeases } from "../secure-nat/lease-file.ts";
import { RunningSecureNat } from "../secure-nat/running-secure-nat.ts";

/** From one look at what is to be logged and kept to the next. */
const lookMs = 60_000;
/** How long after a client got an address the file has it. */
const keepMs = 2_000;
/** How much of the files that the process may open is for sockets of clients; the rest is for the clients themselves. */
const shareOfFiles = 1 / 2;

/** The virtual hosts of the hubs that have one. */
export const secureNat: Feature = {
  async start({ hubs, configuration, secureNats: running, paths, log, native }) {
    const outside = new HostNetwork(openFileLimit() * shareOfFiles, native);
    const leases = await readLeases(paths.leasesFile, (problem) => log.warn(problem));
    const changesOf = () => [...running.values()].map(({ nat }) => nat.leaseChanges).join();
    /** Those that the file has; undefined when it lacks some of a virtual host that is gone. */
    let keptChanges: string | undefined;
    let writing = Promise.resolve();

    const keep = (key: string, { nat }: RunningSecureNat) => leases.set(key, nat.keptLeases());
    const keepAll = () => {
      const changes = changesOf();
      if (changes === keptChanges) return;
      keptChanges = changes;
      for (const [key, each] of running) keep(key, each);
      writing = writing
        .then(() => writeLeases(paths.leasesFile, leases))
        .catch((error: unknown) => log.warn(`cannot write ${paths.leasesFile}: ${wordsOf(error)}`));
    };
    const startOf = (key: string, { name, secureNat: settings }: HubSettings) => {
      const live = hubs.find(key);
      if (live === undefined || running.has(key)) return;
      try {
        running.set(key, new RunningSecureNat(live, settings, outside, leases.get(key) ?? []));
      } catch (error) {
        log.warn(`SecureNAT of hub ${name} does not run: ${wordsOf(error)}`);
      }
    };
    const apply = (all: readonly HubSettings[]) => {
      const wanted = new Map(
        all
          .filter(({ online, secureNat }) => online && secureNat.enabled)
          .map((hub) => [hub.name.toLowerCase(), hub]),
      );
      for (const [key, each] of running) {
        if (wanted.get(key)?.secureNat === each.settings && hubs.find(key) === each.hub) continue;
        keep(key, each);
        keptChanges = undefined;
        each.stop();
        running.delete(key);
      }
      const names = new Set(all.map(({ name }) => name.toLowerCase()));
      for (const key of leases.keys()) if (!names.has(key)) leases.delete(key);
      for (const [key, hub] of wanted) startOf(key, hub);
    };

    apply(configuration.settings.hubs);
    keptChanges = changesOf();
    const timers = [
      setInterval(keepAll, keepMs),
      setInterval(() => {
        for (const each of running.values()) each.logRefused();
      }, lookMs),
    ];
    return {
      apply: (settings) => {
        apply(settings.hubs);
        return [];
      },
      close: async () => {
        for (const timer of timers) clearInterval(timer);
        keepAll();
        for (const each of running.values()) each.stop();
        running.clear();
        await writing;
      },
    };
  },
};
