import { encodeKeepAlive } from "../../server/wire/block-stream.ts";
import type { Attack } from "../support/attack.ts";
import { arp, blocksOf, ipOf, randomWord } from "../support/frames.ts";
import { flood, mbit, session, sessions } from "../support/traffic.ts";

export const keepAlives: Attack = {
  about: "a session sends nothing but keep-alives, 20 Mbit/s of empty ones",
  async run(battle) {
    const socket = await session(battle);
    const one = encodeKeepAlive(Buffer.alloc(0));
    const chunk = Buffer.concat(Array.from({ length: 2_048 }, () => one));
    battle.begin();
    const sent = await flood(battle, socket, { bitsPerSecond: 20e6, chunk: () => chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

export const emptyBlocks: Attack = {
  about: "a session announces four billion blocks and sends empty ones, 20 Mbit/s",
  async run(battle) {
    const socket = await session(battle);
    socket.write(Buffer.from("fffffffe", "hex"));
    const chunk = Buffer.alloc(16_384);
    battle.begin();
    const sent = await flood(battle, socket, { bitsPerSecond: 20e6, chunk: () => chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

export const tinyRecords: Attack = {
  about: "sessions send one byte in each TLS record",
  async run(battle) {
    const made = await sessions(battle, 4);
    const one = encodeKeepAlive(Buffer.alloc(8));
    battle.begin();
    const sent = await Promise.all(
      made.map((socket) => {
        let at = 0;
        const chunk = () => {
          const from = at++ % one.length;
          return one.subarray(from, from + 1);
        };
        return flood(battle, socket, { bitsPerSecond: 40e3, chunk });
      }),
    );
    return { figures: { "records a second": sent.reduce((sum, bits) => sum + bits, 0) / 8 } };
  },
};

export const forgedArp: Attack = {
  about: "a bridging session answers ARP for made-up addresses, 10 Mbit/s",
  async run(battle) {
    const socket = await session(battle, { bridgeMode: true });
    await session(battle, { user: "two" });
    battle.begin();
    const chunk = () =>
      blocksOf(64, () => {
        const from = randomWord();
        return arp(2, { to: "everybody", from, fromIp: randomWord(), toIp: ipOf("10.0.0.1") });
      });
    const sent = await flood(battle, socket, { bitsPerSecond: 10e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};
