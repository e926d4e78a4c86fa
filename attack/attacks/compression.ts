import { deflateSync } from "node:zlib";
import type { Attack } from "../support/attack.ts";
import { blocks, ethernet } from "../support/frames.ts";
import { flood, mbit, session } from "../support/traffic.ts";

const chunkBytes = 16 * 1024;

/** The same message over and over, as one chunk. */
function repeated(message: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(chunkBytes / message.length) }, () => message));
}

/** Nine bytes make the server look at a block that is none of zlib's. */
export const brokenCompression: Attack = {
  about: "a session with compression sends blocks that are not compressed, 1 Mbit/s",
  async run(battle) {
    const socket = await session(battle, { compress: true });
    battle.begin();
    const chunk = repeated(Buffer.from("000000010000000100", "hex")).subarray(0, 1_125);
    const sent = await flood(battle, socket, { bitsPerSecond: 1e6, chunk: () => chunk });
    return { figures: { sent: mbit(sent), closed: String(socket.destroyed) } };
  },
};

/** Small blocks, so that each byte costs as much as it can. */
export const compressedBlocks: Attack = {
  about: "a session with compression sends small compressed frames, 5 Mbit/s",
  async run(battle) {
    const socket = await session(battle, { compress: true });
    battle.begin();
    const frame = ethernet(99, 1, 0x88b5, Buffer.alloc(1_400));
    const chunk = repeated(blocks([deflateSync(frame)]));
    const sent = await flood(battle, socket, { bitsPerSecond: 5e6, chunk: () => chunk });
    return { figures: { sent: mbit(sent), closed: String(socket.destroyed) } };
  },
};
