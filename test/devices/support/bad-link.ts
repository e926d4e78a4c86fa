import { blockHeaderBytes, readUint32 } from "../../../server/wire/block-stream.ts";
import type { PacketDevice, PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";

/** What becomes of frames: shares of all of them. */
export interface BadLink {
  readonly lost: number;
  readonly doubled: number;
  /** Come after the next few. */
  readonly delayed: number;
  /** Have a bit that is another. */
  readonly corrupted: number;
}

/** A device whose frames fare badly, in both directions. */
export function behindBadLink(
  open: (events: PacketDeviceEvents) => PacketDevice,
  events: PacketDeviceEvents,
  link: BadLink,
): PacketDevice {
  const device = open({
    receive: mangler(link, (block) => events.receive(block, 0, block.length)),
    lost: (error) => events.lost(error),
  });
  const send = mangler(link, (block) => device.send(block, 0, block.length));
  return {
    name: device.name,
    get dropped() {
      return device.dropped;
    },
    send,
    check: () => device.check(),
    close: () => device.close(),
  };
}

function mangler(link: BadLink, pass: (block: Buffer) => void) {
  return (buffer: Buffer, start: number, end: number) => {
    for (let at = start; at < end;) {
      const next = at + blockHeaderBytes + readUint32(buffer, at);
      const block = Buffer.from(buffer.subarray(at, next));
      at = next;
      // Who asks for addresses is let alone, so that the test tests TCP.
      if (block.readUInt16BE(blockHeaderBytes + 12) !== 0x0800) {
        pass(block);
        continue;
      }
      if (Math.random() < link.lost) continue;
      if (Math.random() < link.corrupted) {
        const bit = Math.floor(Math.random() * 8 * (block.length - blockHeaderBytes - 34));
        const byte = blockHeaderBytes + 34 + (bit >> 3);
        block[byte] = (block[byte] ?? 0) ^ (1 << (bit & 7));
      }
      const times = Math.random() < link.doubled ? 2 : 1;
      for (let time = 0; time < times; time++) {
        if (Math.random() < link.delayed) setTimeout(() => pass(block), 1 + Math.random() * 4);
        else pass(block);
      }
    }
  };
}
