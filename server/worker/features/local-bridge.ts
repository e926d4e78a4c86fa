import { setTimeout as later } from "node:timers";
import type { Native } from "../../native/native.ts";
import type { PacketDevice, PacketDeviceEvents } from "../../packet-device/packet-device.ts";
import { PacketSocket } from "../../packet-device/packet-socket.ts";
import { Tap } from "../../packet-device/tap.ts";
import { interfaceNameOf, type LocalBridgeSettings } from "../../settings/local-bridge-settings.ts";
import type { Feature } from "../feature.ts";
import { LocalBridges } from "../local-bridges.ts";

/** Hubs that are bridged to network interfaces of the host. */
export const localBridge: Feature = {
  async start({ hubs, configuration, native, ...environment }) {
    const bridges = new LocalBridges({
      hubs,
      open: (bridge, events) => openDevice(native.loaded, bridge, events),
      schedule: (callback, delayMs) => {
        const timer = later(callback, delayMs);
        return () => clearTimeout(timer);
      },
    });
    environment.localBridges.states = () => bridges.states();
    const apply = async () => {
      // Who has no bridge does not need what lies behind it.
      if (configuration.settings.localBridges.length > 0) await native.get();
      const { settings } = configuration;
      await bridges.apply(settings.localBridges, settings.hubs);
      return [];
    };
    await apply();
    return {
      apply,
      status: () => ({
        warnings: bridges
          .states()
          .filter(({ problem }) => problem !== undefined)
          .map(
            ({ settings: { hubName, deviceName }, problem }) =>
              `the local bridge of hub ${hubName} with ${deviceName} does not work: ${problem}`,
          ),
      }),
      close: () => bridges.close(),
    };
  },
};

function openDevice(
  native: Native | undefined,
  bridge: LocalBridgeSettings,
  events: PacketDeviceEvents,
): PacketDevice {
  if (!native?.available) throw new Error(`no native calls: ${native?.reason ?? "not loaded"}`);
  const name = interfaceNameOf(bridge);
  const { promiscuous, tap } = bridge;
  return tap === undefined
    ? PacketSocket.open(native.calls, name, events, { promiscuous })
    : Tap.open(native.calls, name, events, tap);
}
