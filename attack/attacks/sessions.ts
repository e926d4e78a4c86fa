import { setTimeout as delay } from "node:timers/promises";
import type { Attack } from "../support/attack.ts";
import { blocksOf, ethernet } from "../support/frames.ts";
import { flood, keepUp, mbit, session, sessions } from "../support/traffic.ts";

export const fullQueues: Attack = {
  about: "150 sessions of one user that never read, their hub flooded",
  // The queues of all sessions together are bounded by `sessionLimits.totalQueueBytes`.
  memoryMb: 900,
  async run(battle) {
    for (const socket of await sessions(battle, 150, { user: "two" })) socket.pause();
    // One frame of each station is no storm.
    const socket = await session(battle, { bridgeMode: true });
    let station = 0;
    const payload = Buffer.alloc(1_486);
    const chunk = () =>
      blocksOf(32, () => ethernet("everybody", 1_000 + (station++ % 1_000), 0x88b5, payload));
    battle.begin();
    const sent = await flood(battle, socket, { bitsPerSecond: 40e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

export const endlessSessions: Attack = {
  about: "one user opens sessions without end",
  memoryMb: 600,
  async run(battle) {
    battle.begin();
    const { done, failed } = await keepUp(battle, 16, async (index) => {
      await session(battle, {
        localAddress: battle.localAddresses[index % battle.localAddresses.length] as string,
      });
    });
    return { figures: { sessions: done, refused: failed } };
  },
};

const macTable = 65_536;

export const bridgeMacs: Attack = {
  about: "a bridging session makes up 65,536 MAC addresses in 6 seconds; others of its hub ping",
  async run(battle) {
    const socket = await session(battle, { bridgeMode: true });
    let station = 1_000_000;
    const frameBits = 68 * 8;
    battle.begin();
    const chunk = () => blocksOf(64, () => ethernet(99, station++, 0x88b5, Buffer.alloc(46)));
    const flooding = flood(battle, socket, { bitsPerSecond: (macTable / 6) * frameBits, chunk });
    // Into the full table.
    await delay(Math.min(7_000, (battle.seconds * 1000) / 2));
    const [one, two] = [await session(battle, { user: "two" }), await session(battle, { user: "three" })];
    let [answered, asked] = [0, 0];
    two.on("data", (bytes: Buffer) => {
      // The question, and not what the attack sends to everybody.
      if (bytes.includes(question)) two.write(blocksOf(1, () => ethernet(11, 12, 0x88b5, answer)));
    });
    one.on("data", (bytes: Buffer) => {
      if (bytes.includes(answer)) answered++;
    });
    const [question, answer] = [Buffer.from("is anybody there"), Buffer.from("yes, it is me...")];
    while (!battle.isOver()) {
      asked++;
      one.write(blocksOf(1, () => ethernet("everybody", 11, 0x88b5, question)));
      await delay(200);
    }
    await delay(200);
    await flooding;
    const isHeard = answered >= asked * 0.8;
    return {
      figures: { made: station - 1_000_000, asked, answered },
      faults: isHeard ? [] : [`a new pair of the same hub: ${answered} of ${asked} pings answered`],
    };
  },
};
