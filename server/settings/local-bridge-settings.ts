/** A hub that is bridged to a network interface of the host. */
export interface LocalBridgeSettings {
  /** The hub need not be there. */
  readonly hubName: string;
  /** Of an interface that is there, or of a TAP without its prefix. */
  readonly deviceName: string;
  /** MAC address of the TAP that the server makes, 6 bytes; undefined for an interface that is there. */
  readonly tap: Uint8Array | undefined;
  /** Whether it takes all frames of the wire, and not only those that are for the host. */
  readonly promiscuous: boolean;
  /** Whether it gets a copy of every frame of the hub and sends none. */
  readonly monitor: boolean;
  /** Whether the hub slows its broadcasts down, as it does those of sessions. */
  readonly limitsBroadcasts: boolean;
}

/** With the zero byte at the end of a name an interface has 16 (`IFNAMSIZ`). */
const interfaceNameCharacters = 15;
const tapPrefix = "tap_";

/** A bridge as it is made. */
export function createLocalBridge(
  hubName: string,
  deviceName: string,
  tap: Uint8Array | undefined,
): LocalBridgeSettings {
  return { hubName, deviceName, tap, promiscuous: true, monitor: false, limitsBroadcasts: false };
}

/** The interface as the host shows it; of a TAP with its prefix, in lower case and cut, as the official server has it. */
export function interfaceNameOf({ deviceName, tap }: LocalBridgeSettings): string {
  if (tap === undefined) return deviceName;
  return `${tapPrefix}${deviceName.toLowerCase()}`.slice(0, interfaceNameCharacters);
}

/** Whether a bridge has these names of hub and device; case does not matter. A TAP and an interface may have the same. */
export function isNamed(bridge: LocalBridgeSettings, hubName: string, deviceName: string): boolean {
  return (
    bridge.hubName.toLowerCase() === hubName.toLowerCase() &&
    bridge.deviceName.toLowerCase() === deviceName.toLowerCase()
  );
}

/** Whether both stand for one bridge, of which there is only one. */
export function isSameBridge(one: LocalBridgeSettings, other: LocalBridgeSettings): boolean {
  return (
    isNamed(one, other.hubName, other.deviceName) && (one.tap === undefined) === (other.tap === undefined)
  );
}

/** Whether an interface of the host is a TAP by its name, which bridges of their own go by. */
export function isTapName(name: string): boolean {
  return name.startsWith(tapPrefix);
}
