import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { attacks } from "../attacks.ts";
import { Reporter, type Arena } from "./arena.ts";
import { footprintOf, leftOf, type Footprint } from "./footprint.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly attackSeconds: number;
  /** Longest time until what came has gone: a NAT waits a minute for answers to UDP, and asks silent clients for five whether they are there. */
  readonly restSeconds: number;
  readonly log: (line: string) => void;
}

export interface SoakResult {
  readonly before: Footprint;
  /** After each round, with all that is under way in it. */
  readonly rounds: readonly (Footprint & { readonly attack: string })[];
  readonly after: Footprint;
  readonly crowd: Readonly<Record<string, number>>;
  /** What did not go again. */
  readonly left: readonly string[];
}

const support = (name: string) => join(import.meta.dirname, name);
const readyMs = 30_000;
const pollMs = 1_000;

/** Lets clients come, go, die, reconfigure and attack for a while, and looks whether the server is as it was. */
export async function soak(arena: Arena, options: SoakOptions): Promise<SoakResult> {
  const { minutes, attackSeconds, restSeconds, log } = options;
  const server = await arena.startServer({ secureNat: true });
  const outside = arena.attackerStation({ from: "outside" });
  const crowd = new Reporter(
    outside.spawn(process.execPath, [support("crowd.ts"), server.address], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  try {
    const before = await footprintOf(server);
    await crowd.line("ready", readyMs);
    const rounds: SoakResult["rounds"][number][] = [];
    const until = performance.now() + minutes * 60_000;
    const names = Object.entries(attacks).filter(([, { leavesSettings }]) => leavesSettings !== true);
    for (let turn = 0; performance.now() < until; turn++) {
      const [name, attack] = names[turn % names.length] ?? [];
      if (name === undefined || attack === undefined) break;
      const field = arena.fieldOf(server, attack, attackSeconds);
      const attacker = new Reporter(
        arena
          .attackerStation(attack)
          .spawn(process.execPath, [support("attacker.ts"), name, JSON.stringify(field)], {
            stdio: ["ignore", "pipe", "ignore"],
          }),
      );
      // One that cannot begin while the crowd is there has lost; the next one comes.
      await attacker.line("began", attackSeconds * 1000).catch(() => undefined);
      await delay(attackSeconds * 1000);
      attacker.kill();
      const now = await footprintOf(server).catch(() => undefined);
      if (now !== undefined) rounds.push({ attack: name, ...now });
      log(`${name}: ${now === undefined ? "the server does not answer" : JSON.stringify(now)}`);
    }
    crowd.endInput();
    const done = JSON.parse(await crowd.line("what was done", readyMs)) as Record<string, number>;
    const restUntil = performance.now() + restSeconds * 1000;
    for (;;) {
      // As long as an attack still has hold of it, it does not answer.
      const after = await footprintOf(server).catch((error: unknown) => {
        if (performance.now() > restUntil) throw error;
        return undefined;
      });
      if (after !== undefined) {
        const left = leftOf(before, after);
        if (left.length === 0 || performance.now() > restUntil)
          return { before, rounds, after, crowd: done, left };
      }
      await delay(pollMs);
    }
  } finally {
    crowd.kill();
    await server.dispose();
  }
}

/** A table of what there was at the beginning, at most, and at the end. */
export function soakTable({ before, rounds, after }: SoakResult): string {
  const rows = (Object.keys(before) as (keyof Footprint)[]).map((what) => {
    const most = Math.max(before[what], ...rounds.map((round) => round[what]));
    const cells = [before[what], most, after[what]].map((value) => String(Math.round(value)).padStart(9));
    return `| ${what.padEnd(14)} | ${cells.join(" | ")} |`;
  });
  const head = ["before", "most", "after"].map((label) => label.padStart(9)).join(" | ");
  return [
    `| ${"".padEnd(14)} | ${head} |`,
    `| -------------- | ${"--------: | ".repeat(3).trimEnd()}`,
    ...rows,
  ].join("\n");
}
