import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectionLog } from "../../../server/transport/connection-log.ts";
import { dialTls, serveOnLoopback, until } from "./loopback.ts";

const connection = {
  name: "CID-7",
  peer: { address: "192.0.2.1", port: 50_000 },
  port: 443,
  encryption: "TLSv1.3, TLS_AES_256_GCM_SHA384",
};

describe("the log of connections", () => {
  test("has a line at the begin of each and one at its end", () => {
    const lines: string[] = [];
    const log = new ConnectionLog(
      (line) => lines.push(line),
      () => 0,
    );
    log.began(connection);
    log.ended("CID-7");
    assert.deepEqual(lines, [
      'Connection "CID-7": began from 192.0.2.1, port 50000, to TCP port 443; encrypted by TLSv1.3, TLS_AES_256_GCM_SHA384.',
      'Connection "CID-7": ended.',
    ]);
  });

  test("has no more than so many lines a minute, and tells how many were left out", () => {
    const lines: string[] = [];
    let now = 0;
    const log = new ConnectionLog(
      (line) => lines.push(line),
      () => now,
      2,
    );
    for (let index = 1; index <= 5; index++) log.ended(`CID-${index}`);
    now = 59_999;
    log.ended("CID-6");
    now = 60_000;
    log.ended("CID-7");
    assert.deepEqual(lines, [
      'Connection "CID-1": ended.',
      'Connection "CID-2": ended.',
      "Connections began and ended: 4 lines more, which are left out.",
      'Connection "CID-7": ended.',
    ]);
  });

  test("is told by the connections themselves", async () => {
    const lines: string[] = [];
    const log = new ConnectionLog(
      (line) => lines.push(line),
      () => 0,
    );
    await using server = await serveOnLoopback({}, undefined, undefined, log);
    const client = await dialTls(server.port);
    await until("the first line", () => lines.length === 1);
    assert.match(
      lines[0] ?? "",
      new RegExp(
        `^Connection "CID-1": began from 127\\.0\\.0\\.1, port ${client.socket.localPort}, to TCP port ${server.port}; encrypted by TLSv1\\.3, TLS_`,
      ),
    );
    client.socket.destroy();
    await until("the second line", () => lines.length === 2);
    assert.equal(lines[1], 'Connection "CID-1": ended.');
  });
});
