import type { HubAttachment, HubPort } from "../hub/hub-port.ts";
import type { Policy } from "../settings/policy.ts";
import { blockHeaderBytes, readUint32 } from "../wire/block-stream.ts";
import type { PacketDevice, PacketDeviceEvents } from "./packet-device.ts";

export interface DevicePortOptions {
  /** Session name, such as `SID-LOCALBRIDGE-1`. */
  readonly name: string;
  readonly policy: Policy;
  /** Whether it gets a copy of every frame and sends none. */
  readonly monitor?: boolean;
  /** Opens the device, whose events go to the port; it may throw. */
  readonly open: (events: PacketDeviceEvents) => PacketDevice;
  /** The device is lost, and the port unplugged. */
  readonly onLost: (error: Error) => void;
}

/** A hub's port to a network interface of the host. */
export class DevicePort implements HubPort {
  readonly name: string;
  readonly kind = "local-bridge";
  readonly user = { name: "Local Bridge", group: undefined };
  readonly policy: Policy;
  readonly monitor: boolean;
  readonly peerAddress = "";
  /** Frames from the interface for which the hub had no time. */
  dropped = 0;
  readonly #device: PacketDevice;
  #attachment: HubAttachment | undefined;

  /** @throws Error why there can be no device */
  constructor({ name, policy, monitor = false, open, onLost }: DevicePortOptions) {
    this.name = name;
    this.policy = policy;
    this.monitor = monitor;
    this.#device = open({
      receive: (buffer, start, end) => this.#forward(buffer, start, end),
      lost: (error) => {
        void this.unplug();
        onLost(error);
      },
    });
  }

  /** Plugs the port into its hub; before, frames go nowhere. */
  plugInto(attachment: HubAttachment): void {
    this.#attachment = attachment;
  }

  /** Takes it out for good, and lets go of the interface; resolves as {@link PacketDevice.close} does. */
  unplug(): Promise<void> {
    this.#attachment?.detach();
    this.#attachment = undefined;
    return this.#device.close();
  }

  /** Looks whether the interface is still what it was. */
  check(): void {
    this.#device.check();
  }

  deliver(buffer: Buffer, start: number, end: number): void {
    this.#device.send(buffer, start, end);
  }

  /** What there is no time for in this turn is dropped, as by a network card that is too slow: nobody can be asked to wait. */
  #forward(buffer: Buffer, start: number, end: number): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    let at = start;
    attachment.time.atOnce({
      work: (isOver) => {
        at = attachment.forward(buffer, start, end, isOver);
        return at < end;
      },
    });
    for (; at < end; at += blockHeaderBytes + readUint32(buffer, at)) this.dropped++;
  }
}
