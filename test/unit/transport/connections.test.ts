import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { paceLimits, packBeforeLoginLimits } from "../../../server/limits.ts";
import { encodePackRequest } from "../../../server/wire/pack-message.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { encodeSignatureRequest } from "../../../server/wire/signature.ts";
import { Pacer, type PacedJob } from "../../../server/transport/pacer.ts";
import { createPacer, dialTcp, dialTls, serveOnLoopback, until } from "./loopback.ts";

const host = "127.0.0.1";
const signature = encodeSignatureRequest(host);
const login = encodePackRequest(new Pack().addStr("method", "login"), { host, date: new Date(0) });

describe("connections", () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`carries the handshake to the answer to the login over ${version}, and closes without reset`, async () => {
      await using server = await serveOnLoopback();
      const client = await dialTls(server.port, { minVersion: version, maxVersion: version });
      assert.equal(client.socket.getProtocol(), version);
      client.socket.write(signature);
      await client.gets(/random/);
      client.socket.write(login);
      await client.gets(/error[^]{11}\x21$/);
      await client.isClosed();
      assert.ok(client.ended, "an orderly end came");
      await until("the server to let go", () => server.connections.size === 0);
      assert.equal(server.connections.refusals()["method-not-supported"], 1);
      assert.equal(server.connections.refusals()["connection-lost"], 0);
    });
  }

  test("refuses TLS before 1.2", async () => {
    await using server = await serveOnLoopback();
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await assert.rejects(dialTls(server.port, old), /protocol version|unsupported protocol|ECONNRESET/);
    await until("the refusal to be counted", () => server.connections.refusals()["tls-failed"] === 1);
  });

  test("gives each connection a challenge of its own", async () => {
    await using server = await serveOnLoopback();
    const challenges = new Set<string>();
    for (let connection = 0; connection < 3; connection++) {
      const client = await dialTls(server.port);
      client.socket.write(signature);
      await client.gets(/random[^]{32}$/);
      challenges.add(client.received.slice(-20));
      client.socket.destroy();
    }
    assert.equal(challenges.size, 3);
  });

  test("delivers the answer to a client that goes on sending", async () => {
    await using server = await serveOnLoopback();
    const client = await dialTls(server.port);
    client.socket.write(Buffer.concat([signature, login, Buffer.alloc(200_000, "x")]));
    await client.gets(/error[^]{11}\x21$/);
    await client.isClosed();
    assert.ok(client.ended);
  });

  test("cuts a client that does not close after the last answer", async () => {
    await using server = await serveOnLoopback({ lingerMs: 50 });
    const client = await dialTls(server.port, { allowHalfOpen: true } as object);
    client.socket.write(Buffer.concat([signature, login]));
    await until("the server to let go", () => server.connections.refusals()["method-not-supported"] === 1);
    await until("the server to let go", () => server.connections.size === 0);
    client.socket.destroy();
  });

  test("closes what is not TLS", async () => {
    await using server = await serveOnLoopback();
    for (const greeting of [
      "GET / HTTP/1.1\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "\0\x0e\x38\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ]) {
      const client = await dialTcp(server.port);
      client.socket.write(greeting);
      await client.isClosed();
    }
    await until("all to be counted", () => server.connections.refusals()["tls-failed"] === 3);
    assert.equal(server.connections.size, 0);
  });

  test("closes a client that never begins TLS at the deadline", async () => {
    await using server = await serveOnLoopback({ tlsMs: 50 });
    const client = await dialTcp(server.port);
    await client.isClosed();
    assert.equal(server.connections.refusals()["tls-deadline"], 1);
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("serves a client beside many that never begin TLS, and each of them as soon as it does", async () => {
    await using server = await serveOnLoopback();
    const silent = await Promise.all(
      Array.from({ length: 3 * paceLimits.listening }, () => dialTcp(server.port)),
    );
    for (let round = 0; round < 3; round++) {
      const client = await dialTls(server.port);
      client.socket.write(signature);
      await client.gets(/random/);
      client.socket.destroy();
    }
    // Those that were put off in the midst of it go on where they were.
    for (const { socket } of silent) {
      const late = connectTls({ socket, rejectUnauthorized: false });
      late.on("error", () => {});
      await once(late, "secureConnect");
      late.destroy();
    }
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("serves all of many that come at once, and puts none of them off for good", async () => {
    await using server = await serveOnLoopback();
    const clients = await Promise.all(Array.from({ length: 60 }, () => dialTls(server.port)));
    for (const client of clients) client.socket.write(signature);
    for (const client of clients) await client.gets(/random/);
    for (const client of clients) client.socket.write(login);
    for (const client of clients) await client.isClosed();
    assert.equal(server.connections.refusals()["method-not-supported"], 60);
    assert.equal(server.connections.refusals().overload, 0);
  });

  test("closes and counts whoever waits for a turn for too long", async () => {
    let aheadMs = 0;
    const pacer = createPacer(() => performance.now() + aheadMs);
    await using server = await serveOnLoopback({}, undefined, undefined, undefined, pacer);
    const length = paceLimits.listening + 1;
    const clients = await Promise.all(Array.from({ length }, () => dialTcp(server.port)));
    await until("all to be accepted", () => server.connections.size === length);
    // One of them waits, whichever it is.
    aheadMs = paceLimits.waitMs;
    await until("one to be closed", () => clients.some(({ closed }) => closed));
    assert.equal(server.connections.refusals().overload, 1);
    assert.equal(server.connections.size, paceLimits.listening);
    for (const { socket } of clients) socket.destroy();
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("does nothing for a client that left while it waited for a turn, and before its close was told", async () => {
    // Of all that waits nothing is taken back, as when the turn comes before the news of the close.
    const waiting: PacedJob[] = [];
    class LatePacer extends Pacer {
      override run(job: PacedJob): () => void {
        waiting.push(job);
        return () => {};
      }
    }
    const pacer = new LatePacer({
      now: () => performance.now(),
      nextTurn: (callback) => void setImmediate(callback),
      later: (callback) => void setTimeout(callback, paceLimits.pollMs),
      giveWay: () => {},
    });
    await using server = await serveOnLoopback({}, undefined, undefined, undefined, pacer);
    const client = await dialTls(server.port);
    await until("it to be served", () => waiting.length === 1);
    client.socket.destroy();
    await until("it to be gone", () => server.connections.size === 0);
    for (const { run } of waiting) run();
    assert.deepEqual(server.connections.pending(), []);
  });

  test("closes a client that sends its request byte by byte at the deadline", async () => {
    await using server = await serveOnLoopback({ loginMs: 200 });
    const client = await dialTls(server.port);
    let sent = 0;
    const trickle = setInterval(() => client.socket.write(signature.subarray(sent, ++sent)), 20);
    await client.isClosed().finally(() => clearInterval(trickle));
    assert.ok(sent < signature.length);
    assert.equal(server.connections.refusals()["login-deadline"], 1);
    assert.equal(server.connections.refusals()["connection-lost"], 0);
  });

  test("closes a header line that does not end", async () => {
    await using server = await serveOnLoopback();
    const client = await dialTls(server.port);
    client.socket.write(`GET / HTTP/1.1\r\nCookie: ${"x".repeat(100_000)}`);
    await client.isClosed();
    assert.equal(client.received, "");
    assert.equal(server.connections.refusals()["http-malformed"], 1);
  });

  test("answers a body that is too large with a page before it comes in", async () => {
    await using server = await serveOnLoopback();
    const client = await dialTls(server.port);
    const length = packBeforeLoginLimits.bytes + 1;
    const head = `POST /vpnsvc/vpn.cgi HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;
    client.socket.write(signature);
    client.socket.write(head);
    await client.gets(/HTTP\/1\.1 403 Forbidden/);
    await client.isClosed();
  });

  test("answers another path and another method with their pages", async () => {
    await using server = await serveOnLoopback();
    for (const [request, status] of [
      ["GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 404 Not Found\r\n/],
      ["DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 501 Method Not Implemented\r\n/],
    ] as const) {
      const client = await dialTls(server.port);
      client.socket.write(request);
      await client.gets(status);
      client.socket.destroy();
    }
  });

  test("refuses connections of one address beyond the cap and takes them again when others are gone", async () => {
    await using server = await serveOnLoopback({ perAddress: 5 });
    const clients = await Promise.all(Array.from({ length: 100 }, () => dialTcp(server.port)));
    await until("95 to be refused", () => server.connections.refusals()["connections-per-address"] === 95);
    assert.equal(server.connections.size, 5);
    await until(
      "the refused ones to be closed",
      () => clients.filter((client) => client.closed).length === 95,
    );
    for (const client of clients) client.socket.destroy();
    await until("the server to let go", () => server.connections.size === 0);
    const client = await dialTls(server.port);
    client.socket.write(signature);
    await client.gets(/random/);
    client.socket.destroy();
  });

  test("refuses connections beyond the cap of all addresses together", async () => {
    await using server = await serveOnLoopback({ total: 2 });
    const clients = await Promise.all(Array.from({ length: 6 }, () => dialTcp(server.port)));
    await until("4 to be refused", () => server.connections.refusals()["connections-total"] === 4);
    for (const client of clients) client.socket.destroy();
  });

  test("serves who comes after many that are half-way: silent, encrypted, or in the midst of a head", async () => {
    await using server = await serveOnLoopback({ perAddress: 12 });
    assert.equal(server.connections.isFull, false);
    for (let index = 0; index < 12; index++) {
      if (index % 3 === 0) await dialTcp(server.port);
      else {
        const client = await dialTls(server.port);
        if (index % 3 === 1) client.socket.write("GET / HTTP/1.1\r\nCookie: a");
      }
    }
    for (let index = 0; index < 12; index++) {
      const client = await dialTls(server.port);
      client.socket.write(signature);
      await client.gets(/random/);
    }
    assert.equal(server.connections.size, 12);
    assert.equal(server.connections.isFull, true);
    assert.equal(server.connections.refusals()["connections-per-address"], 12);
  });

  test("lets the kernel ask a silent peer whether it is still there", async () => {
    await using server = await serveOnLoopback({ probeMs: 30_000 });
    const client = await dialTls(server.port);
    const port = client.socket.localPort ?? 0;
    // proc(5): the remote address is the third field, the sixth begins with 02 where the keep-alive timer runs.
    const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const isAsked = () =>
      readFileSync("/proc/net/tcp", "latin1")
        .split("\n")
        .map((line) => line.trim().split(/ +/))
        .some((fields) => fields[2]?.endsWith(hex) && fields[5]?.startsWith("02:"));
    await until("the timer to run", isAsked);
    client.socket.destroy();
  });

  test("tells whoever makes an answer that its client has left, however it leaves and asked", async () => {
    const asked: AbortSignal[] = [];
    const wait = ({ gone }: { readonly gone: AbortSignal }) => {
      asked.push(gone);
      return new Promise<never>(() => {});
    };
    await using server = await serveOnLoopback({}, wait, wait);
    const web = Buffer.from("GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n");
    for (const request of [Buffer.concat([signature, login]), web]) {
      for (const how of ["end", "destroy"] as const) {
        const client = await dialTls(server.port);
        client.socket.write(request);
        await until("the request", () => asked.length === 1);
        assert.equal(asked[0]?.aborted, false);
        client.socket[how]();
        await until("the word of it", () => asked[0]?.aborted === true);
        asked.length = 0;
      }
    }
  });

  test("survives clients that leave or reset at any point", async () => {
    await using server = await serveOnLoopback();
    for (let point = 0; point < 6; point++) {
      const tcp = await dialTcp(server.port);
      if (point % 2 === 0) tcp.socket.write(Buffer.from([22, 3, 1]));
      tcp.socket.resetAndDestroy();
      const tls = await dialTls(server.port);
      tls.socket.write(Buffer.concat([signature, login]).subarray(0, point * 60));
      if (point % 2 === 0) tls.socket.destroy();
      else tls.socket.end();
    }
    await until("the server to let go", () => server.connections.size === 0);
    const client = await dialTls(server.port);
    client.socket.write(signature);
    await client.gets(/random/);
    client.socket.destroy();
  });

  test("survives a reset and broken records below an established TLS connection", async () => {
    await using server = await serveOnLoopback();
    for (const breakIt of [
      (tcp: Socket) => tcp.resetAndDestroy(),
      // An application data record that no key fits.
      (tcp: Socket) => tcp.end(Buffer.from("170303001400000000000000000000000000000000000000ff", "hex")),
    ]) {
      const tcp = (await dialTcp(server.port)).socket;
      tcp.removeAllListeners("data");
      const below = new Duplex({
        read: () => {},
        write: (chunk: Buffer, _encoding, done) => tcp.write(chunk, done),
      });
      tcp.on("data", (chunk: Buffer) => below.push(chunk));
      const client = await dialTls(server.port, { socket: below });
      client.socket.write(signature);
      await client.gets(/random/);
      breakIt(tcp);
      await until("the server to let go", () => server.connections.size === 0);
      client.socket.destroy();
    }
    await until("both to be counted", () => server.connections.refusals()["connection-lost"] === 2);
  });

  test("ends all connections when it is closed", async () => {
    const server = await serveOnLoopback();
    const clients = [await dialTls(server.port), await dialTls(server.port)];
    await server[Symbol.asyncDispose]();
    for (const client of clients) await client.isClosed();
    assert.equal(server.connections.size, 0);
  });
});
