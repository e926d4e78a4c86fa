/**
 * A network interface of the host, by which Ethernet frames come in and go out: a TAP of our own, or an interface that is there. Frames
 * are blocks, as they are for a port of a hub (`hub/hub-port.ts`), so that a run of them is copied once.
 */
export interface PacketDevice {
  /** Of the interface, as the host shows it. */
  readonly name: string;
  /** Frames that the host did not take, and those too long for a hub. */
  readonly dropped: number;
  /** Takes the blocks of `buffer` from `start` to `end`, well-formed. Never throws; what the host does not take is dropped. */
  send(buffer: Buffer, start: number, end: number): void;
  /** Looks whether the interface still has its name; one that has another is lost. To be called every now and then. */
  check(): void;
  /**
   * Lets go of the interface: nothing comes from it any more. Resolves when its name is free again, if it goes with us. A second time does
   * nothing.
   */
  close(): Promise<void>;
}

/** What happens at a device. */
export interface PacketDeviceEvents {
  /** Frames came in: the blocks of `buffer` from `start` to `end`, valid during the call only. */
  receive(buffer: Buffer, start: number, end: number): void;
  /** The interface is gone, or of no use any more; the device is closed by then. */
  lost(error: Error): void;
}

/** Opens a device; a feature gets it from outside, and a test gives it a device without a host. Throws why there can be none. */
export type OpenPacketDevice = (name: string, events: PacketDeviceEvents) => PacketDevice;
