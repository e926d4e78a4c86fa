import type {
  OpenPacketDevice,
  PacketDevice,
  PacketDeviceEvents,
} from "../../../server/packet-device/packet-device.ts";

/** A network interface without a host: what is sent stays here, and the test says what comes in. */
export class FakePacketDevice implements PacketDevice {
  readonly name: string;
  readonly dropped = 0;
  /** Blocks, as they were sent. */
  readonly sent: Buffer[] = [];
  isOpen = true;
  readonly #events: PacketDeviceEvents;

  constructor(name: string, events: PacketDeviceEvents) {
    this.name = name;
    this.#events = events;
  }

  /** Opens devices and keeps them in a list. */
  static opener(opened: FakePacketDevice[]): OpenPacketDevice {
    return (name, events) => {
      const device = new FakePacketDevice(name, events);
      opened.push(device);
      return device;
    };
  }

  send(buffer: Buffer, start: number, end: number): void {
    if (this.isOpen) this.sent.push(Buffer.from(buffer.subarray(start, end)));
  }

  /** What the next look finds wrong. */
  problem: Error | undefined;

  check(): void {
    if (this.problem !== undefined && this.isOpen) this.vanish(this.problem);
  }

  /** Resolves when the host has let the interface go; at once, unless a test has it wait. */
  released: Promise<void> = Promise.resolve();

  close(): Promise<void> {
    this.isOpen = false;
    return this.released;
  }

  /** The host sends these blocks. */
  receive(blocks: Buffer): void {
    if (this.isOpen) this.#events.receive(blocks, 0, blocks.length);
  }

  /** Somebody deletes the interface. */
  vanish(error: Error): void {
    void this.close();
    this.#events.lost(error);
  }
}
