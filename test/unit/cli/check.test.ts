import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Command } from "commander";
import { addCheckCommand } from "../../../server/cli/check.ts";
import type { CliContext } from "../../../server/cli/context.ts";
import { parseCheckResult, type CheckResult } from "../../../server/contract/check-result.ts";
import { errorCodes } from "../../../server/errors.ts";
import { listening, startReporting, type ReportingServer } from "../supervisor/reporting-server.ts";

afterEach(() => {
  process.exitCode = undefined;
});

/** `vpnserver check` with these words: what it prints, and the exit code. */
async function run({ paths }: ReportingServer, ...words: readonly string[]) {
  const program = new Command("vpnserver");
  const lines: string[] = [];
  const context = { statePaths: () => paths, print: (line: string) => lines.push(line) };
  addCheckCommand(program, context as unknown as CliContext);
  process.exitCode = undefined;
  await program.parseAsync(["check", ...words], { from: "user" });
  const exitCode = process.exitCode ?? 0;
  process.exitCode = undefined;
  return { lines, exitCode };
}

async function runJson(server: ReportingServer, ...words: readonly string[]) {
  const { lines, exitCode } = await run(server, "--json", ...words);
  const result: CheckResult = parseCheckResult(JSON.parse(lines.join("\n")));
  return { ...result, exitCode };
}

describe("vpnserver check", () => {
  test("takes a server that is full for one that serves, and says that it is full", async () => {
    await using server = await startReporting(({ answering, silent }) => [
      { ...listening(answering, silent), full: true },
    ]);
    const { ok, listeners, exitCode } = await runJson(server);
    assert.deepEqual([ok, exitCode], [true, 0]);
    assert.deepEqual(
      listeners.map(({ port, ok, full }) => [port, ok, full]),
      [
        [server.answering, true, undefined],
        [server.silent, false, true],
      ],
    );
    const { lines } = await run(server);
    assert.match(lines[1] ?? "", /the server is full, and runs/);
  });

  test("takes one that is silent on every port, but full, for one that serves", async () => {
    await using server = await startReporting(({ silent }) => [{ ...listening(silent), full: true }]);
    const { ok, exitCode } = await runJson(server);
    assert.deepEqual([ok, exitCode], [true, 0]);
  });

  test("takes a port that does not answer for dead when the server is not full", async () => {
    await using server = await startReporting(({ answering, silent }) => [listening(answering, silent)]);
    const { ok, listeners, exitCode } = await runJson(server);
    assert.deepEqual([ok, exitCode], [false, errorCodes.UNHEALTHY.exitCode]);
    assert.equal(listeners[1]?.full, undefined);
    const { lines } = await run(server);
    assert.match(lines[1] ?? "", /does not answer: /);
  });

  test("takes it for dead when nobody can say that the server is full", async () => {
    await using server = await startReporting(({ silent }) => [listening(silent), "no answer"]);
    assert.equal((await runJson(server)).ok, false);
  });

  test("does not excuse a port that was named by how full the server of this state directory is", async () => {
    await using server = await startReporting(({ silent }) => [{ ...listening(silent), full: true }]);
    const { ok, exitCode } = await runJson(server, "--port", String(server.silent));
    assert.deepEqual([ok, exitCode], [false, errorCodes.UNHEALTHY.exitCode]);
    assert.equal(server.asked(), 0);
  });
});
