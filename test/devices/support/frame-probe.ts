import { NativeLoader } from "../../../server/native/native.ts";
import { PacketSocket } from "../../../server/packet-device/packet-socket.ts";
import { block, unblock } from "../../unit/hub/hub-fixture.ts";

/**
 * Sends the frame of its second argument (hexadecimal) through the interface of its first one, again and again, and prints frames that
 * come in and end as that of its third argument does. It says `ready`, and ends with its standard input.
 */
const native = await new NativeLoader({ env: {}, directory: "/nowhere" }).get();
if (!native.available) throw new Error(native.reason);
const [name = "", frame = "", ending = ""] = process.argv.slice(2);
const socket = PacketSocket.open(
  native.calls,
  name,
  {
    receive: (buffer, start, end) => {
      for (const each of unblock(buffer.subarray(start, end))) {
        const text = each.toString("hex");
        if (text.endsWith(ending)) console.log(text);
      }
    },
    lost: (error) => console.log(`lost: ${error.message}`),
  },
  { promiscuous: true },
);
const blocks = block(Buffer.from(frame, "hex"));
const repeat = setInterval(() => socket.send(blocks, 0, blocks.length), 50);
console.log("ready");
process.stdin.resume().once("end", () => {
  clearInterval(repeat);
  void socket.close();
});
