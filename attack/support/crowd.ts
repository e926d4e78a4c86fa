// Clients that come, go, die and reconfigure, by chance, until the input ends. Arguments: address of the server. Prints `ready`, and
// what was done as JSON at the end.
import { constants, setPriority } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { arena } from "./attack.ts";
import { callJsonRpc } from "./admin.ts";
import { blocksOf, ethernet, randomWord } from "./frames.ts";
import { session } from "./traffic.ts";

const [address = ""] = process.argv.slice(2);
const clients = 24;
const mostStayMs = 2_000;

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const tally = { sessions: 0, failed: 0, changes: 0, changesFailed: 0 };
let ending = false;
const chance = () => Math.random();

async function comeAndGo(): Promise<void> {
  while (!ending) {
    try {
      const socket = await session(
        { address },
        { user: chance() < 0.5 ? "one" : "two", compress: chance() < 0.3, bridgeMode: chance() < 0.2 },
      );
      tally.sessions++;
      if (chance() < 0.2) socket.pause();
      const until = performance.now() + chance() * mostStayMs;
      while (performance.now() < until && !socket.destroyed && !ending) {
        if (chance() < 0.8)
          socket.write(blocksOf(8, () => ethernet("everybody", randomWord(), 0x88b5, Buffer.alloc(200))));
        await delay(100);
      }
      // Some say goodbye, and some are cut in the middle of a block.
      if (chance() < 0.5) socket.end();
      else {
        socket.write(Buffer.from("0000000100000400", "hex"));
        socket.resetAndDestroy();
      }
      socket.resume();
    } catch {
      tally.failed++;
      await delay(100);
    }
  }
}

async function reconfigure(): Promise<void> {
  const credentials = { host: address, user: "administrator", password: arena.adminPassword };
  for (let turn = 0; !ending; turn++) {
    const hub = { HubName_str: `PASSING-${turn % 4}` };
    const user = { HubName_str: arena.hub, Name_str: `passing-${turn % 4}` };
    try {
      await callJsonRpc(credentials, "CreateHub", { ...hub, HubType_u32: 0, Online_bool: true });
      await callJsonRpc(credentials, "CreateUser", { ...user, AuthType_u32: 0 });
      await callJsonRpc(credentials, "SetHubMsg", { HubName_str: arena.hub, Msg_bin: "" });
      await callJsonRpc(credentials, "DeleteUser", user);
      await callJsonRpc(credentials, "DeleteHub", hub);
      tally.changes++;
    } catch {
      tally.changesFailed++;
      await callJsonRpc(credentials, "DeleteUser", user).catch(() => undefined);
      await callJsonRpc(credentials, "DeleteHub", hub).catch(() => undefined);
    }
    await delay(100);
  }
}

const all = [...Array.from({ length: clients }, comeAndGo), reconfigure()];
console.log("ready");
process.stdin.resume().once("end", () => {
  ending = true;
  void Promise.race([Promise.all(all), delay(5_000)]).then(() =>
    process.stdout.write(`${JSON.stringify(tally)}\n`, () => process.exit()),
  );
});
