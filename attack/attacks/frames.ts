import { callJsonRpc } from "../support/admin.ts";
import { arena, type Attack } from "../support/attack.ts";
import { blocksOf, ethernet, ipOf, randomWord, tcp } from "../support/frames.ts";
import { flood, mbit, session, sessions } from "../support/traffic.ts";

const [source, target] = [101, 102];
const ends = { to: target, from: source, toIp: ipOf("10.0.0.2"), fromIp: ipOf("10.0.0.1") };

export const compressedBroadcasts: Attack = {
  about: "5 Mbit/s of broadcasts into a hub with 60 sessions with compression",
  async run(battle) {
    await sessions(battle, 60, { user: "two", compress: true });
    // A bridge may have as many stations behind it as it likes, so that none of them is a storm.
    const socket = await session(battle, { bridgeMode: true });
    battle.begin();
    const chunk = () => blocksOf(64, () => ethernet("everybody", randomWord(), 0x88b5, Buffer.alloc(46)));
    const sent = await flood(battle, socket, { bitsPerSecond: 5e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

const mostRules = 32_768;

export const longAccessList: Attack = {
  about: "a hub's administrator sets 32,768 rules, then 5 Mbit/s of frames of that hub",
  leavesSettings: true,
  // The list itself, in a request, as settings and compiled.
  memoryMb: 600,
  async run(battle) {
    const AccessList = Array.from({ length: mostRules }, (_, index) => ({
      Active_bool: true,
      Priority_u32: index + 1,
      Discard_bool: true,
      SrcIpAddress_ip: "10.0.0.1",
      SrcSubnetMask_ip: "255.255.255.255",
      Protocol_u32: 17,
      DestPortStart_u32: 1 + (index % 60_000),
      DestPortEnd_u32: 1 + (index % 60_000),
    }));
    const credentials = { host: battle.address, user: arena.hub, password: arena.hubPassword };
    const [socket] = [await session(battle), await session(battle, { user: "two" })];
    battle.begin();
    const answer = await callJsonRpc(credentials, "SetAccessList", {
      HubName_str: arena.hub,
      AccessList,
    }).then(
      () => "taken",
      (error: Error) => error.message,
    );
    const chunk = () =>
      blocksOf(64, () => tcp(ends, { fromPort: randomWord() & 0xffff, toPort: randomWord() & 0xffff }));
    const sent = await flood(battle, socket, { bitsPerSecond: 5e6, chunk });
    return { figures: { list: answer, sent: mbit(sent) } };
  },
};

export const synFrames: Attack = {
  about: "50 Mbit/s of frames that begin TCP connections, with the packet log that hubs have by default",
  async run(battle) {
    const [socket] = [await session(battle), await session(battle, { user: "two" })];
    // Made before, since to make 100,000 frames in a second would be most of the attacker's work.
    const chunks = Array.from({ length: 256 }, () =>
      blocksOf(256, () => tcp(ends, { fromPort: randomWord() & 0xffff, toPort: randomWord() & 0xffff })),
    );
    let next = 0;
    battle.begin();
    const chunk = () => chunks[next++ % chunks.length] ?? Buffer.alloc(0);
    const sent = await flood(battle, socket, { bitsPerSecond: 50e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};
