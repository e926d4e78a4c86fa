import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { waitUntilHealthy } from "../../../server/install/health.ts";
import { listening, release, startReporting, type ReportingServer } from "../supervisor/reporting-server.ts";

const examine = ({ paths }: ReportingServer, ports: readonly number[] = [], timeoutMs = 700) =>
  waitUntilHealthy({ paths, release, ports, timeoutMs });

describe("the health of an installed server", () => {
  test("is good when each open port answers a client", async () => {
    await using server = await startReporting(({ answering }) => [listening(answering)]);
    assert.equal((await examine(server, [server.answering])).release, release);
  });

  test("is good when a port does not answer because the server is full", async () => {
    await using server = await startReporting(({ answering, silent }) => [
      listening(answering, silent),
      { ...listening(answering, silent), full: true },
    ]);
    assert.equal((await examine(server, [server.silent])).full, true);
    assert.equal(server.asked(), 2);
  });

  test("is bad when a port does not answer and the server is not full", async () => {
    await using server = await startReporting(({ answering, silent }) => [listening(answering, silent)]);
    await assert.rejects(examine(server), {
      code: "UNHEALTHY",
      message: new RegExp(`TCP ${server.silent} does not answer a VPN client`),
    });
  });

  test("is bad when nobody can say that the server is full", async () => {
    await using server = await startReporting(({ silent }) => [
      listening(silent),
      "no answer",
      listening(silent),
      "no answer",
    ]);
    await assert.rejects(examine(server, [], 600), { code: "UNHEALTHY" });
  });

  test("is bad when another release is full by now", async () => {
    await using server = await startReporting(({ silent }) => [
      listening(silent),
      { ...listening(silent), full: true, release: "cd".repeat(32) },
    ]);
    await assert.rejects(examine(server), { code: "UNHEALTHY", message: /instead of/ });
  });

  test("is bad when another program answers, however full the server is", async () => {
    await using server = await startReporting(({ answering, silent }) => [
      { ...listening(answering, silent), full: true, version: "9.9.9" },
    ]);
    await assert.rejects(examine(server), {
      code: "UNHEALTHY",
      message: new RegExp(`another server answers on TCP ${server.answering}`),
    });
  });

  test("is bad when a port that served before is not open, however full the server is", async () => {
    await using server = await startReporting(({ silent }) => [
      {
        full: true,
        listeners: [
          { port: silent, state: "Listening", address: "127.0.0.1" },
          { port: 443, state: "Error", reason: "EADDRINUSE" },
        ],
      },
    ]);
    await assert.rejects(examine(server, [443]), { code: "UNHEALTHY", message: /TCP 443 is not open/ });
  });
});
