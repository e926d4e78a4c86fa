import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nameLimits } from "../../server/limits.ts";
import { protocolErrors } from "../../server/wire/protocol-error.ts";
import { Lab } from "../lab/lab.ts";
import type { Answer } from "./names/answers.ts";
import { cases, type Kind } from "./names/calls.ts";
import { hubOf, OurServer } from "./support/our-server.ts";
import { SoftEtherProgram } from "./support/softether-program.ts";

const port = 5555;
const { invalidParameter } = protocolErrors;
const program = join(import.meta.dirname, "names/answers.ts");

let lab: Lab;
let ours: readonly Answer[];
let official: readonly Answer[];
before(async () => {
  lab = await Lab.create();
  const [ourStation, officialStation] = await Promise.all([lab.station("ours"), lab.station("official")]);
  const [, real] = await Promise.all([
    OurServer.start(ourStation, lab.directory, [hubOf("DEFAULT", [])]),
    SoftEtherProgram.start("vpnserver", officialStation, port),
  ]);
  const answersOf = async (on: Pick<SoftEtherProgram, "run">) =>
    JSON.parse((await on.run(process.execPath, [program, String(port)])).stdout) as Answer[];
  [ours, official] = await Promise.all([answersOf(ourStation), answersOf(real)]);
});
after(() => lab?.dispose());

/** The one difference that is meant: a name that is too long is refused here, and becomes another there, of which it does not tell. */
function isCutThere(name: string, here: Answer | undefined, there: Answer | undefined): boolean {
  const { nameCharacters } = nameLimits;
  const isCut = there?.name === undefined || there.name === name.slice(0, nameCharacters);
  return name.length > nameCharacters && here?.error === invalidParameter && there?.error === 0 && isCut;
}

describe("a name that an RPC gives", () => {
  for (const kind of ["hub", "user", "group", "bridge", "tap", "listener"] as const satisfies Kind[]) {
    test(`to a ${kind} is taken, refused and kept as by the official server`, () => {
      const differences = cases.flatMap((each, index) => {
        if (each.kind !== kind) return [];
        const [here, there] = [ours[index], official[index]];
        if (here?.error === there?.error && here?.name === there?.name) return [];
        if (isCutThere(each.name, here, there)) return [];
        return [`${JSON.stringify(each.name)}: ${JSON.stringify(here)}, there ${JSON.stringify(there)}`];
      });
      assert.deepEqual(differences, []);
    });
  }
});
