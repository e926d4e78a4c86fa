import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { hostname } from "node:os";
import { afterEach, beforeEach, describe, test } from "node:test";
import { syslogLimits } from "../../../server/limits.ts";
import { SyslogSender, type SyslogSenderOptions } from "../../../server/logs/syslog-sender.ts";
import { until } from "../transport/loopback.ts";

let received: Buffer[];
let socket: ReturnType<typeof createSocket>;
let destination: { host: string; port: number };
let warnings: string[];
let senders: SyslogSender[];
let now: number;

beforeEach(async () => {
  received = [];
  warnings = [];
  senders = [];
  now = new Date(2026, 0, 31, 23, 59, 59, 7).getTime();
  socket = createSocket("udp4", (message) => received.push(message));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  destination = { host: "127.0.0.1", port: socket.address().port };
});
afterEach(() => {
  for (const sender of senders) sender.close();
  socket.close();
});

function createSender(resolve?: SyslogSenderOptions["resolve"]): SyslogSender {
  const sender = new SyslogSender({
    destination: () => destination,
    log: { info: () => {}, warn: (message) => warnings.push(message), error: () => {} },
    unixNow: () => now,
    ...(resolve && { resolve }),
  });
  senders.push(sender);
  return sender;
}

describe("the syslog sender", () => {
  test("sends each line as a datagram in the official form", async () => {
    const sender = createSender();
    sender.send("SERVER_LOG", undefined, "one");
    sender.send("SECURITY_LOG", "DEFAULT", "two");
    await until("both lines", () => received.length === 2);
    assert.deepEqual(received.map(String), [
      `[${hostname()}/VPN] (2026-01-31 23:59:59.007) <SERVER_LOG>: one`,
      `[${hostname()}/VPN/DEFAULT] (2026-01-31 23:59:59.007) <SECURITY_LOG>: two`,
    ]);
  });

  test("cuts a long line", async () => {
    createSender().send("PACKET_LOG", "DEFAULT", "x".repeat(5_000));
    await until("the line", () => received.length === 1);
    assert.equal(received[0]?.length, syslogLimits.messageBytes);
  });

  test("looks the name up once, and keeps what comes meanwhile, up to a bound", async () => {
    const { promise, resolve } = Promise.withResolvers<{ address: string; family: number }>();
    const names: string[] = [];
    const sender = createSender((host) => {
      names.push(host);
      return promise;
    });
    destination = { ...destination, host: "log.example" };
    for (let line = 0; line < syslogLimits.waiting + 5; line++) {
      sender.send("SERVER_LOG", undefined, String(line));
    }
    assert.equal(warnings.length, 1);
    resolve({ address: "127.0.0.1", family: 4 });
    await until("a line", () => received.length > 0);
    // Those beyond the bound are the ones that were dropped. The system may lose some of so many at once.
    assert.ok(received.every((line) => Number(/: (\d+)$/.exec(String(line))?.[1]) < syslogLimits.waiting));
    assert.deepEqual(names, ["log.example"]);
  });

  test("tells once that a name is not found, and asks for it again after a while", async () => {
    let lookups = 0;
    const sender = createSender((host) => {
      lookups++;
      return lookups === 1
        ? Promise.reject(new Error(`${host} is unknown`))
        : Promise.resolve({ address: "127.0.0.1", family: 4 });
    });
    sender.send("SERVER_LOG", undefined, "lost");
    await until("a warning", () => warnings.length === 1);
    sender.send("SERVER_LOG", undefined, "lost too");
    assert.equal(lookups, 1);
    now += syslogLimits.retryMs;
    sender.send("SERVER_LOG", undefined, "found");
    await until("the line", () => received.length === 1);
    assert.match(String(received[0]), /: found$/);
    assert.equal(warnings.length, 1);
  });

  test("sends nothing where there is no destination, and goes elsewhere when it changes", async () => {
    const sender = createSender();
    const { port } = destination;
    destination = { host: "", port };
    sender.send("SERVER_LOG", undefined, "nowhere");
    destination = { host: "127.0.0.1", port: 0 };
    sender.send("SERVER_LOG", undefined, "nowhere");
    destination = { host: "localhost", port };
    sender.send("SERVER_LOG", undefined, "here");
    await until("the line", () => received.length === 1);
    assert.match(String(received[0]), /: here$/);
  });
});
