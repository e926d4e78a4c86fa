import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { constants, getPriority } from "node:os";
import { describe, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const { PRIORITY_HIGH, PRIORITY_HIGHEST } = constants.priority;
/** What a process that is started from here has. */
const former = getPriority();
const module = new URL("../../../server/platform/priority.ts", import.meta.url).href;

/** Priorities of the threads of a process that raises its own: that of its first, and those of the others. */
async function prioritiesAfter(before: string): Promise<{ first: number; others: number[] }> {
  const program = `
    import { readdirSync } from "node:fs";
    import { getPriority, setPriority } from "node:os";
    import { raisePriority } from "${module}";
    ${before}
    raisePriority();
    const others = readdirSync("/proc/self/task").map(Number).filter((thread) => thread !== process.pid);
    console.log(JSON.stringify({ first: getPriority(), others: others.map((thread) => getPriority(thread)) }));`;
  const words = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  return JSON.parse((await run(process.execPath, words)).stdout) as { first: number; others: number[] };
}

describe("raisePriority", () => {
  test("lets the thread that serves go first, and those that collect its garbage before other programs", async () => {
    const { first, others } = await prioritiesAfter("");
    assert.ok(others.length > 0);
    const mayRaise = first !== former;
    assert.equal(first, mayRaise ? PRIORITY_HIGHEST : former);
    assert.deepEqual(new Set(others), new Set([mayRaise ? PRIORITY_HIGH : former]));
  });

  test("leaves all threads as they are where it has no right to it", async () => {
    const { first, others } = await prioritiesAfter("if (process.getuid() === 0) process.setuid(65534);");
    assert.equal(first, former);
    assert.deepEqual(new Set(others), new Set([former]));
  });
});
