import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "../../bench/support/vpn-client.ts";
import { passwordLimits } from "../../server/limits.ts";
import { Pack } from "../../server/wire/pack.ts";
import { arena, type Attack, type Battle } from "../support/attack.ts";
import { keepUp } from "../support/traffic.ts";

/** A login with a wrong password. */
async function guess(battle: Battle, user: string, index = 0): Promise<void> {
  const localAddress = battle.localAddresses[index % battle.localAddresses.length] ?? "";
  const { socket, answer } = await request({ address: battle.address, localAddress }, () =>
    new Pack()
      .addStr("method", "login")
      .addStr("hubname", arena.hub)
      .addStr("username", user)
      .addInt("authtype", 1)
      .addData("secure_password", Buffer.alloc(20, 7))
      .addStr("client_str", "guesser")
      .addStr("hello", "guesser")
      .addInt("max_connection", 1)
      .addInt("use_encrypt", 1)
      .addData("unique_id", Buffer.alloc(20, 1)),
  );
  socket.on("error", () => {}).destroy();
  if (answer.int("error") === 0) throw new Error("a wrong password was taken");
}

const madeUp = passwordLimits.accounts + 50;

export const forgottenThrottle: Attack = {
  about: "10,050 made-up user names, so that the wrong passwords of a real one are forgotten",
  async run(battle) {
    battle.begin();
    for (let each = 0; each <= passwordLimits.freeFailures + 2; each++) await guess(battle, "one");
    const before = performance.now();
    await guess(battle, "one");
    const slowMs = performance.now() - before;
    let next = 0;
    // By the time it is over; where the seconds are few, there are fewer names.
    const { done } = await keepUp(battle, 32, async () => {
      if (next >= madeUp) return battle.end;
      await guess(battle, `nobody-${next++}`);
    });
    const after = performance.now();
    await guess(battle, "one");
    const againMs = performance.now() - after;
    const isForgotten = againMs < slowMs / 2;
    return {
      figures: { names: Math.min(done, madeUp), "delay before, ms": slowMs, "delay after, ms": againMs },
      faults: isForgotten
        ? [`a wrong password waits ${againMs.toFixed(0)} ms, and ${slowMs.toFixed(0)} before`]
        : [],
    };
  },
};

/** A line a connection may begin and end with each for a minute, and some. */
const leastLines = 4_000;
const linesPerSecond = 60;

export const failedLogins: Attack = {
  about: "failed logins as fast as one address can, and what they write to the logs",
  async run(battle) {
    const before = await linesIn(battle.stateDirectory);
    battle.begin();
    let next = 0;
    const { done } = await keepUp(battle, 32, () => guess(battle, `nobody-${next++}`));
    const lines = (await linesIn(battle.stateDirectory)) - before;
    const most = leastLines + linesPerSecond * battle.seconds;
    return {
      figures: { logins: done, lines },
      faults: lines > most ? [`${lines} lines in the logs, of ${most}`] : [],
    };
  },
};

async function linesIn(stateDirectory: string): Promise<number> {
  let lines = 0;
  const folder = join(stateDirectory, "log");
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  }
  return lines;
}
