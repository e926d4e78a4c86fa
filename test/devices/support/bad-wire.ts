import { NativeLoader } from "../../../server/native/native.ts";
import type { PacketDevice, PacketDeviceEvents } from "../../../server/packet-device/packet-device.ts";
import { PacketSocket } from "../../../server/packet-device/packet-socket.ts";
import { behindBadLink, type BadLink } from "./bad-link.ts";

/**
 * A wire between the two interfaces that the command line names, with a bad link as JSON behind them. It says `ready`, and ends with its
 * standard input.
 */
const native = await new NativeLoader({ env: {}, directory: "/nowhere" }).get();
if (!native.available) throw new Error(native.reason);
const { calls } = native;
const [left = "", right = "", link = ""] = process.argv.slice(2);
const ends: PacketDevice[] = [];
const eventsTo = (other: number): PacketDeviceEvents => ({
  receive: (buffer, start, end) => ends[other]?.send(buffer, start, end),
  lost: (error) => {
    throw error;
  },
});
const open = (name: string, events: PacketDeviceEvents) =>
  PacketSocket.open(calls, name, events, { promiscuous: true });
ends.push(
  behindBadLink((events) => open(left, events), eventsTo(1), JSON.parse(link) as BadLink),
  open(right, eventsTo(0)),
);
console.log("ready");
process.stdin.resume().once("end", () => {
  for (const end of ends) void end.close();
});
