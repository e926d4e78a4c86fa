import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { failureOf, runProgram } from "../../../server/platform/run-program.ts";

const module = new URL("../../../server/platform/run-program.ts", import.meta.url).href;

/** What another process prints that does nothing but run a program, and how long it is there. */
async function inProcess(program: string, args: readonly string[], options = {}) {
  const script = `
    const { runProgram } = await import(${JSON.stringify(module)});
    const result = await runProgram(${JSON.stringify(program)}, ${JSON.stringify(args)}, ${JSON.stringify(options)});
    console.log(JSON.stringify(result ?? null));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const begin = performance.now();
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { result: JSON.parse(output) as unknown, ms: performance.now() - begin };
}

describe("runProgram", () => {
  test("gives exit code and output", async () => {
    assert.deepEqual(await runProgram("sh", ["-c", "echo out; echo err >&2; exit 3"]), {
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("keeps no process waiting for a program that is not there", { timeout: 25_000 }, async () => {
    const { result, ms } = await inProcess("no-such-program", []);
    assert.equal(result, null);
    assert.ok(ms < 10_000, `${ms} ms`);
  });

  test(
    "keeps no process waiting for what a program left in the background",
    { timeout: 25_000 },
    async () => {
      const { result, ms } = await inProcess("sh", ["-c", "sleep 20 & echo $!"]);
      assert.ok(ms < 10_000, `${ms} ms`);
      const { code, stdout } = result as { code: number; stdout: string };
      assert.equal(code, 0);
      process.kill(Number(stdout), "SIGKILL");
    },
  );

  test(
    "kills a program whose time is over, and waits for none of its children",
    { timeout: 25_000 },
    async () => {
      const { result, ms } = await inProcess("sh", ["-c", "sleep 20 & echo $!; wait"], { timeoutMs: 300 });
      assert.ok(ms < 10_000, `${ms} ms`);
      const { code, stdout } = result as { code?: number; stdout: string };
      assert.equal(code, undefined);
      process.kill(Number(stdout), "SIGKILL");
    },
  );

  test("kills a program that prints without end", async () => {
    const result = await runProgram("sh", ["-c", "exec cat /dev/zero"]);
    assert.equal(result?.code, undefined);
    assert.ok((result?.stdout.length ?? 0) <= 16 * 1024 * 1024);
  });

  test("rejects with the system's error when the program cannot be run", async () => {
    const directory = await mkdtemp(join(tmpdir(), "vpnserver-program-"));
    try {
      const file = join(directory, "program");
      await writeFile(file, "no program", { mode: 0o600 });
      await assert.rejects(runProgram(file, []), { code: "EACCES" });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

test("a program that failed without a word is told by how it ended", () => {
  assert.equal(failureOf({ code: 1, stdout: "out\n", stderr: " err\n" }), "err");
  assert.equal(failureOf({ code: 1, stdout: "out\n", stderr: "\n" }), "out");
  assert.match(failureOf({ code: 4, stdout: "", stderr: "" }), /exit code 4/);
  assert.match(failureOf({ code: undefined, stdout: "", stderr: "" }), /did not end in time/);
});
