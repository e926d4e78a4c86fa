/** Attacks a server of the sources in a lab, and prints what that does to others. */
import { parseArgs } from "node:util";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import { attacks } from "./attacks.ts";
import { Arena } from "./support/arena.ts";
import { detailsOf, strictBounds, tableOf, type Verdict } from "./support/verdict.ts";

const usage = `usage: npm run attack [-- OPTIONS] [NAME...]

Each attack meets a server of its own, with an innocent pair of clients in another hub. Without a name all are made. As root.

  --seconds N   that each attack lasts (20)
  --rest N      seconds from its end to the last look at the memory (30)
  --json        prints the results as JSON
  --list        prints the names of the attacks
  --help        prints this`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "20" },
    rest: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [seconds, restSeconds] = [Number(values.seconds), Number(values.rest)];
const unknown = positionals.filter((name) => !Object.hasOwn(attacks, name));

if (values.help) console.log(usage);
else if (values.list)
  for (const [name, { about }] of Object.entries(attacks)) console.log(`  ${name.padEnd(22)} ${about}`);
else if (unknown.length > 0 || !(seconds >= 1 && seconds <= 60) || !(restSeconds >= 0)) {
  console.error(unknown.length > 0 ? `there is no attack ${unknown.join(", ")}\n\n${usage}` : usage);
  process.exitCode = 2;
} else {
  await ensureDebianPackages(["iproute2"], { purpose: "the attacks", log: (line) => console.error(line) });
  await using place = await Arena.create();
  const verdicts: Verdict[] = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(attacks)) {
    const attack = attacks[name];
    if (attack === undefined) continue;
    try {
      const verdict = await place.fight(name, attack, { seconds, restSeconds, bounds: strictBounds });
      verdicts.push(verdict);
      console.error(`${name}: ${verdict.faults.length === 0 ? "stood" : "NOT STOOD"}`);
      for (const line of detailsOf(verdict)) console.error(line);
    } catch (error) {
      process.exitCode = 1;
      console.error(`${name}: could not be made: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(values.json ? JSON.stringify(verdicts, undefined, 2) : tableOf(verdicts));
  if (verdicts.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}
