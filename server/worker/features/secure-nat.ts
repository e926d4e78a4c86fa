import { setTimeout as delay } from "node:timers/promises";
import { dumpConnections, type DumpConnections } from "../../host-nat/connection-dump.ts";
import { ConnectionList } from "../../host-nat/connection-list.ts";
import { Forwarding } from "../../host-nat/forwarding.ts";
import { HostNat } from "../../host-nat/host-nat.ts";
import { kernelNatLimits } from "../../limits.ts";
import type { NativeLoader } from "../../native/native.ts";
import { HostNetwork } from "../../outside/host-network.ts";
import { SocketPool } from "../../outside/socket-pool.ts";
import { Tap } from "../../packet-device/tap.ts";
import { kernelNetworks } from "../../platform/ipv4-forwarding.ts";
import { hasCapability, openFileLimit } from "../../platform/proc.ts";
import { runProgram } from "../../platform/run-program.ts";
import type { Environment } from "../environment.ts";
import type { Feature } from "../feature.ts";
import { readLeases, writeLeases } from "../secure-nat/lease-file.ts";
import { LeaseKeeper } from "../secure-nat/lease-keeper.ts";
import { SecureNats } from "../secure-nat/secure-nats.ts";

/** From one look at what is to be logged and kept to the next. */
const lookMs = 60_000;
/** How long after a client got an address the file has it. */
const keepMs = 2_000;
/** How much of the files that the process may open is for sockets of clients; the rest is for the clients themselves. */
const shareOfFiles = 1 / 2;

/** The virtual hosts of the hubs that have one. */
export const secureNat: Feature = {
  async start(environment) {
    const { hubs, configuration, secureNats: running, paths, log, native } = environment;
    const leases = await readLeases(paths.leasesFile, (problem) => log.warn(problem));
    const hostNat = createHostNat(environment);
    const sockets = new SocketPool(openFileLimit() * shareOfFiles);
    const nats = new SecureNats({
      hubs,
      running,
      leases,
      createOutside: () => new HostNetwork(sockets.share(), native),
      openKernel: (options) => hostNat.open(options),
      now: () => performance.now(),
      warn: (problem) => log.warn(problem),
    });
    await nats.apply(configuration.settings.hubs);
    await hostNat.settle();
    const keeper = new LeaseKeeper({
      changes: () => nats.leaseChanges(),
      write: () => {
        nats.keepLeases();
        return writeLeases(paths.leasesFile, leases);
      },
      file: paths.leasesFile,
      warn: (problem) => log.warn(problem),
    });
    const timers = [
      setInterval(() => void keeper.keep(), keepMs),
      setInterval(() => {
        void nats.look();
        void hostNat.look();
      }, kernelNatLimits.lookMs),
      setInterval(() => {
        void hostNat.countRefused().then(() => {
          for (const each of running.values()) each.logRefused();
        });
      }, lookMs),
    ];
    return {
      apply: async (settings) => {
        await nats.apply(settings.hubs);
        return [];
      },
      status: () => ({
        warnings: [...nats.warnings(), ...(keeper.problem === undefined ? [] : [keeper.problem])],
      }),
      close: async () => {
        for (const timer of timers) clearInterval(timer);
        const kept = keeper.keep();
        await nats.close();
        await kept;
      },
    };
  },
};

function createHostNat({ paths, native, log }: Environment): HostNat {
  const kernel = kernelNetworks;
  return new HostNat({
    kernel,
    forwarding: new Forwarding({ run: runProgram, kernel, recordFile: paths.forwardingFile }),
    connections: new ConnectionList({
      dump: dumpBy(native),
      timeouts: () => kernel.connectionTimeouts(),
      now: () => performance.now(),
      unixNow: () => Date.now(),
    }),
    openDevice: async (events, setup) => {
      if (process.platform !== "linux")
        throw new Error(`it is not made for the kernel of ${process.platform}`);
      if (!hasCapability("CAP_NET_ADMIN")) {
        throw new Error("the server has no right to (CAP_NET_ADMIN), as it does in service mode");
      }
      const loaded = await native.get();
      if (!loaded.available) throw new Error(`no native calls: ${loaded.reason}`);
      return Tap.openRouted(loaded.calls, events, setup);
    },
    delay: (ms) => delay(ms),
    now: () => performance.now(),
    warn: (problem) => log.warn(problem),
  });
}

function dumpBy(native: NativeLoader): DumpConnections {
  return (isWanted, take) => {
    // It is: interfaces of the kernel's way are made by it.
    if (native.loaded?.available !== true) throw new Error("no native calls");
    return dumpConnections(native.loaded.calls, isWanted, take);
  };
}
