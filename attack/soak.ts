/** Clients come, go, die, reconfigure and attack for as long as one likes; then the server is to be as it was. */
import { parseArgs } from "node:util";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import { Arena } from "./support/arena.ts";
import { soak, soakTable } from "./support/soak.ts";

const usage = `usage: npm run soak [-- --minutes N] [--json]

  --minutes N   of coming and going (30)
  --json        prints the result as JSON`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
const minutes = Number(values.minutes);
if (values.help || !(minutes > 0)) {
  console.log(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  await ensureDebianPackages(["iproute2"], { purpose: "the soak", log: (line) => console.error(line) });
  await using place = await Arena.create();
  const result = await soak(place, {
    ...{ minutes, attackSeconds: 10, restSeconds: 400 },
    log: (line) => console.error(line),
  });
  console.log(values.json ? JSON.stringify(result, undefined, 2) : soakTable(result));
  for (const each of result.left) console.error(`LEFT ${each}`);
  if (result.left.length > 0) process.exitCode = 1;
}
