/** Looks for inputs that a decoder cannot take, led by which parts of its sources they reach. */
import { parseArgs } from "node:util";
import { corpusOf, keep } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";
import { targets } from "./targets.ts";

const usage = `usage: npm run fuzz [-- OPTIONS] [NAME...]

  --seconds N   for each target (20)
  --seed N      of chance (of the clock)
  --keep        writes inputs that reach new places to test/fuzz/corpus
  --list        prints the names of the targets
  --help        prints this

What meets a fault is written to test/fuzz/corpus, where the tests find it.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    keep: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
const unknown = positionals.filter((name) => !Object.hasOwn(targets, name));

if (values.help) console.log(usage);
else if (values.list)
  for (const [name, { about }] of Object.entries(targets)) console.log(`  ${name.padEnd(14)} ${about}`);
else if (unknown.length > 0 || !(seconds > 0) || !Number.isInteger(seed)) {
  console.error(unknown.length > 0 ? `there is no target ${unknown.join(", ")}\n\n${usage}` : usage);
  process.exitCode = 2;
} else {
  console.log(`seed ${seed}`);
  for (const name of positionals.length > 0 ? positionals : Object.keys(targets)) {
    const target = targets[name];
    if (target === undefined) continue;
    const { runs, kept, places, fault } = fuzz(target, {
      ...{ seed, seconds, corpus: corpusOf(name) },
      ...(values.keep && { onNew: (input) => void keep(name, "input", input) }),
    });
    console.log(
      `${name.padEnd(14)} ${String(runs).padStart(8)} inputs, ${kept} kept, ${places} places reached`,
    );
    if (fault === undefined) continue;
    process.exitCode = 1;
    const { error } = fault;
    console.log(`  FAULT, see ${keep(name, "fault", fault.input)}`);
    console.log(error instanceof Error ? error.stack : String(error));
  }
}
