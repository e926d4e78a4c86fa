import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { openTcp, ProbeError, probeListener, type ProbeStage } from "../../../server/client/probe.ts";
import { productName } from "../../../server/version.ts";
import { encodeHttpMessage } from "../../../server/wire/http-message.ts";
import { encodePackResponse } from "../../../server/wire/pack-message.ts";
import { Pack } from "../../../server/wire/pack.ts";
import { serveOnLoopback, testCertificate, until } from "../transport/loopback.ts";

const timeoutMs = 5_000;

/** A server of the test's own making, which holds its connections until it is disposed. */
async function serve(server: Server) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A TLS server that does `answer` once the signature has come in. */
async function serveTls(answer: (socket: TLSSocket) => void) {
  const { certificatePem: cert, keyPem: key } = await testCertificate();
  return serve(
    createTlsServer({ cert, key }, (socket) =>
      socket.on("error", () => {}).once("data", () => answer(socket)),
    ),
  );
}

const probe = (port: number, options = { timeoutMs }) =>
  probeListener(() => openTcp("127.0.0.1", port, timeoutMs), options);

const failure = (stage: ProbeStage, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ProbeError, String(error));
  assert.deepEqual([error.stage, message.test(error.message)], [stage, true], error.message);
  return true;
};

/** A byte stream to the server that is no socket, as a channel of an SSH connection is none. */
async function openChannel(port: number): Promise<Duplex> {
  const tcp = await openTcp("127.0.0.1", port, timeoutMs);
  const channel = new Duplex({
    read: () => tcp.resume(),
    write: (chunk: Buffer, _encoding, done) => void tcp.write(chunk, done),
    final: (done) => void tcp.end(done),
    destroy: (error, done) => {
      tcp.destroy();
      done(error);
    },
  });
  tcp.on("data", (chunk: Buffer) => channel.push(chunk) || tcp.pause());
  tcp.on("end", () => channel.push(null));
  return channel;
}

describe("probe of a listener", () => {
  test("tells product, versions, cipher, fingerprint and time", async () => {
    await using server = await serveOnLoopback();
    const result = await probe(server.port);
    const { roundTripMs, ...rest } = result;
    assert.deepEqual(rest, {
      product: productName,
      version: 501,
      build: 9674,
      tlsVersion: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      certificateFingerprint: (await testCertificate()).fingerprint,
    });
    assert.ok(roundTripMs > 0 && roundTripMs < timeoutMs);
  });

  test("works over a byte stream that is no socket, and destroys it", async () => {
    await using server = await serveOnLoopback();
    let channel: Duplex | undefined;
    const result = await probeListener(async () => (channel = await openChannel(server.port)), { timeoutMs });
    assert.equal(result.product, productName);
    assert.ok(channel?.destroyed);
    await until("the server to see the end", () => server.connections.size === 0);
  });

  test("leaves no connection behind", async () => {
    await using server = await serveOnLoopback();
    await probe(server.port);
    await until("the server to see the end", () => server.connections.size === 0);
  });

  test("fails at connect where nothing listens", async () => {
    const server = await serve(createServer());
    await server[Symbol.asyncDispose]();
    await assert.rejects(probe(server.port), failure("connect", /ECONNREFUSED/));
  });

  test("fails at TLS where another protocol is spoken", async () => {
    await using server = await serve(createServer((socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")));
    await assert.rejects(probe(server.port), failure("tls", /wrong version number|packet length/i));
  });

  test("fails at TLS where the connection is closed", async () => {
    await using server = await serve(createServer((socket) => socket.end()));
    await assert.rejects(probe(server.port), failure("tls", /closed|disconnected|ECONNRESET/));
  });

  test("fails at TLS where nothing is answered, at the deadline", async () => {
    await using server = await serve(createServer((socket) => socket.resume()));
    await assert.rejects(probe(server.port, { timeoutMs: 50 }), failure("tls", /no answer within 50 ms/));
    await until("the connection to end", () => server.sockets.size === 0);
  });

  test("fails at HTTP where a web server answers", async () => {
    const page = encodeHttpMessage("HTTP/1.1 404 Not Found", [], Buffer.from("nothing"));
    await using server = await serveTls((socket) => socket.write(page));
    await assert.rejects(
      probe(server.port),
      failure("http", /no VPN server: HTTP status at byte 0: 404 instead of 200/),
    );
  });

  test("fails at HTTP where the connection is closed after the signature", async () => {
    await using server = await serveTls((socket) => socket.destroy());
    await assert.rejects(probe(server.port), failure("http", /closed before the answer|ECONNRESET/));
  });

  test("fails at HTTP where the answer never ends, at the deadline", async () => {
    await using server = await serveTls((socket) => socket.write("HTTP/1.1 200 OK\r\n"));
    await assert.rejects(probe(server.port, { timeoutMs: 200 }), failure("http", /no answer within 200 ms/));
  });

  test("fails at HTTP where the answer is larger than any hello", async () => {
    await using server = await serveTls((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(1_000_000)}`),
    );
    await assert.rejects(probe(server.port), failure("http", /longer than/));
  });

  test("fails at hello where a PACK comes that is none", async () => {
    const response = encodePackResponse(new Pack().addInt("error", 4), { date: new Date(0) });
    await using server = await serveTls((socket) => socket.write(response));
    await assert.rejects(
      probe(server.port),
      failure("hello", /hello at byte 0: is missing: not a VPN server/),
    );
  });

  test("has its deadline for the opening too, and destroys a stream that comes too late", async () => {
    let opened: ((stream: Duplex) => void) | undefined;
    const open = () => new Promise<Duplex>((resolve) => (opened = resolve));
    await assert.rejects(
      probeListener(open, { timeoutMs: 20 }),
      failure("connect", /no answer within 20 ms/),
    );
    const late = new Duplex({ read: () => {}, write: () => {} });
    opened?.(late);
    await until("the late stream to be destroyed", () => late.destroyed);
  });

  test("outlives an opening that fails after the deadline", async () => {
    let fail: ((error: Error) => void) | undefined;
    const open = () => new Promise<Duplex>((_resolve, reject) => (fail = reject));
    await assert.rejects(probeListener(open, { timeoutMs: 20 }), ProbeError);
    fail?.(new Error("too late"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
