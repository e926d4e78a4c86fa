import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { httpLimits } from "../../../server/limits.ts";
import type { ConnectionBounds } from "../../../server/transport/connections.ts";
import type { WebBounds, WebRequest, WebResponse } from "../../../server/transport/web-server.ts";
import { dialTls, serveOnLoopback, until, type Client } from "./loopback.ts";

const bodyLimit = 1_000;
const close = { Connection: "close" };

/** Takes the body of those who send the password, and nothing of the others. */
async function answer(request: WebRequest): Promise<WebResponse> {
  if (request.target === "/api/never") return new Promise<WebResponse>(() => {});
  if (request.target === "/api/fault") throw new Error("fault");
  if (request.headers["x-password"] !== "right") return { status: 401, headers: close, body: "who?" };
  if (request.target === "/api/long") return { status: 200, headers: {}, body: "x".repeat(30_000_000) };
  const body = await request.body(bodyLimit);
  if (body === undefined) return { status: 413, headers: {}, body: "too much" };
  return { status: 200, headers: {}, body: `got ${Buffer.concat(body).toString("latin1")}.` };
}

const serve = (bounds: Partial<ConnectionBounds & WebBounds> = {}) =>
  serveOnLoopback(bounds, undefined, answer);

const head = (...lines: string[]) => ["POST /api/ HTTP/1.1", "Host: a", ...lines, "", ""].join("\r\n");
const post = (body: string) => head("X-Password: right", `Content-Length: ${body.length}`) + body;

/** Sends a byte every few milliseconds until the connection is closed; gives how many were sent. */
async function trickle(client: Client, text: string): Promise<number> {
  let sent = 0;
  const timer = setInterval(() => client.socket.write(text.slice(sent, ++sent)), 10);
  await client.isClosed().finally(() => clearInterval(timer));
  return sent;
}

describe("web server", () => {
  test("answers one request after another on the same connection", async () => {
    await using server = await serve();
    const client = await dialTls(server.port);
    for (const body of ["one", "two", "three"]) {
      client.socket.write(post(body));
      await client.gets(new RegExp(`got ${body}\\.$`));
    }
    assert.equal(client.closed, false);
    client.socket.destroy();
  });

  test("closes a connection whose first head comes byte by byte, at the deadline of a login", async () => {
    await using server = await serve({ loginMs: 150 });
    const client = await dialTls(server.port);
    // Enough to be known as a request for the administration.
    client.socket.write("GET /api/ HTTP/1.1\r\n");
    assert.ok((await trickle(client, `X-Slow: ${"x".repeat(4_000)}`)) < 3_000);
    assert.equal(client.received, "");
    await until("the server to let go", () => server.connections.size === 0);
  });

  test("closes a connection whose next head comes byte by byte, or not at all", async () => {
    await using server = await serve({ httpIdleMs: 150 });
    const slow = await dialTls(server.port);
    const silent = await dialTls(server.port);
    for (const client of [slow, silent]) {
      client.socket.write(post("one"));
      await client.gets(/got one\.$/);
    }
    assert.ok((await trickle(slow, post("x".repeat(900)))) < 900);
    await silent.isClosed();
    assert.doesNotMatch(slow.received, /xxx/);
  });

  test("closes a connection whose body comes byte by byte", async () => {
    await using server = await serve({ httpRequestMs: 150 });
    const client = await dialTls(server.port);
    client.socket.write(head("X-Password: right", "Content-Length: 900"));
    assert.ok((await trickle(client, "x".repeat(900))) < 900);
    assert.equal(client.received, "");
  });

  test("closes a connection whose answer is not made in time", async () => {
    await using server = await serve({ httpRequestMs: 100 });
    const client = await dialTls(server.port);
    client.socket.write("GET /api/never HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.isClosed();
    assert.equal(client.received, "");
  });

  test("closes a connection that takes nothing of its answer", async () => {
    await using server = await serve({ httpIdleMs: 150 });
    const client = await dialTls(server.port);
    client.socket.pause();
    client.socket.write("GET /api/long HTTP/1.1\r\nHost: a\r\nX-Password: right\r\n\r\n");
    await until("the server to let go", () => server.connections.size === 0);
    client.socket.destroy();
  });

  test("answers a request of somebody unknown without its body, and closes without reset", async () => {
    await using server = await serve({ lingerMs: 60_000 });
    const client = await dialTls(server.port);
    client.socket.write(head("Content-Length: 500000") + "x".repeat(400_000));
    await client.gets(/^HTTP\/1\.1 401 [^]*Connection: close\r\n[^]*who\?$/);
    client.socket.write("x".repeat(100_000));
    await client.isClosed();
    assert.ok(client.ended);
    assert.equal(server.connections.refusals()["login-refused"], 1);
  });

  test("closes when the rest of a request of somebody unknown does not come", async () => {
    await using server = await serve({ lingerMs: 50 });
    const client = await dialTls(server.port);
    client.socket.write(head("Content-Length: 500000"));
    await client.isClosed();
    assert.match(client.received, /^HTTP\/1\.1 401 /);
  });

  test("does not ask somebody unknown for the body that was announced", async () => {
    await using server = await serve({ lingerMs: 50 });
    const unknown = await dialTls(server.port);
    unknown.socket.write(head("Expect: 100-continue", "Content-Length: 5"));
    await unknown.isClosed();
    assert.match(unknown.received, /^HTTP\/1\.1 401 /);
    const known = await dialTls(server.port);
    known.socket.write(head("X-Password: right", "Expect: 100-continue", "Content-Length: 5"));
    await known.gets(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    known.socket.write("hello");
    await known.gets(/got hello\.$/);
    known.socket.destroy();
  });

  for (const [kind, request] of [
    ["by its length", head("X-Password: right", "Content-Length: 100000000")],
    [
      "in chunks",
      `${head("X-Password: right", "Transfer-Encoding: chunked")}400\r\n${"x".repeat(1024)}\r\n400\r\n`,
    ],
  ] as const) {
    test(`answers 413 to a body that is too large ${kind}`, async () => {
      await using server = await serve({ lingerMs: 50 });
      const client = await dialTls(server.port);
      client.socket.write(request);
      await client.gets(/^HTTP\/1\.1 413 [^]*Connection: close\r\n[^]*too much$/);
      await client.isClosed();
    });
  }

  for (const [kind, request] of [
    ["many bytes", `GET /api/ HTTP/1.1\r\nCookie: ${"x".repeat(httpLimits.headBytes)}\r\n`],
    ["many lines", head(...Array.from({ length: httpLimits.headerLines }, (_, line) => `X-Line-${line}: 1`))],
  ] as const) {
    test(`answers 431 to a head of too ${kind}, and closes`, async () => {
      await using server = await serve();
      const client = await dialTls(server.port);
      client.socket.write(request);
      await client.gets(/^HTTP\/1\.1 431 /);
      await client.isClosed();
    });
  }

  test("closes a connection with a request before the last one was answered", async () => {
    await using server = await serve();
    const client = await dialTls(server.port);
    client.socket.write(post("one") + post("two"));
    await client.isClosed();
    assert.doesNotMatch(client.received, /two/);
  });

  test("closes what is no HTTP, and answers 500 to a fault of its own", async () => {
    await using server = await serve();
    const broken = await dialTls(server.port);
    broken.socket.write("GET /api/ nonsense\r\n\r\n");
    await broken.isClosed();
    const fault = await dialTls(server.port);
    fault.socket.write("GET /api/fault HTTP/1.1\r\nHost: a\r\n\r\n");
    await fault.gets(/^HTTP\/1\.1 500 [^]*The server failed\.\n$/);
    fault.socket.destroy();
  });
});
