import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

test("a log whose reader does not read neither holds the process up nor fills its memory", async () => {
  const module = new URL("../../server/cli/foreground.ts", import.meta.url).href;
  const program = `
    import { printLog } from ${JSON.stringify(module)};
    const line = "x".repeat(1023) + "\\n";
    for (let index = 0; index < 8 * 1024; index++) printLog(line);
    console.error(process.stdout.writableLength);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  child.stdout.pause();
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  await once(child.stderr, "data");
  const waiting = Number(said);
  assert.ok(waiting > 512 * 1024 && waiting <= 1024 * 1024, said);
  // What had room is there as soon as somebody reads.
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.ok(bytes >= waiting, String(bytes));
});
