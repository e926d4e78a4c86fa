import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { paceLimits } from "../../../server/limits.ts";
import type { Logger } from "../../../server/logger.ts";
import type { ClientAnswer, ClientRequest } from "../../../server/protocols/softether/client-request.ts";
import { loadOrCreateCertificate, type ServerCertificate } from "../../../server/identity/certificate.ts";
import type { ConnectionLog } from "../../../server/transport/connection-log.ts";
import {
  Connections,
  type ConnectionBounds,
  type ConnectionsOptions,
} from "../../../server/transport/connections.ts";
import type { WebBounds, WebRequest, WebResponse } from "../../../server/transport/web-server.ts";
import { SoftEtherProtocol } from "../../../server/protocols/softether/softether-protocol.ts";
import { Pacer } from "../../../server/transport/pacer.ts";
import { Listener } from "../../../server/transport/listener.ts";

export const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** Of each user of the machine, who alone may read the key. */
const keptCertificate = join(
  import.meta.dirname,
  `../../../node_modules/.cache/test-certificate-${process.getuid?.() ?? 0}`,
);
let certificate: Promise<ServerCertificate> | undefined;

/** The same certificate for every test, and kept for the next run: to make one takes a third of a second. */
export function testCertificate(): Promise<ServerCertificate> {
  certificate ??= (async () => {
    if (existsSync(join(keptCertificate, "server.key"))) return certificateIn(keptCertificate);
    const directory = await mkdir(dirname(keptCertificate), { recursive: true })
      .then(() => mkdtemp(`${keptCertificate}-`))
      .catch(() => mkdtemp(join(tmpdir(), "certificate-")));
    const made = await certificateIn(directory);
    // As a whole; not at all where another file's tests were quicker, or nothing can be kept.
    await rename(directory, keptCertificate).catch(() => rm(directory, { recursive: true }));
    return made;
  })();
  return certificate;
}

function certificateIn(directory: string): Promise<ServerCertificate> {
  return loadOrCreateCertificate({
    certificateFile: join(directory, "server.crt"),
    keyFile: join(directory, "server.key"),
  });
}

/** A pacer as the server has it, or with another clock. */
export function createPacer(now = () => performance.now()): Pacer {
  return new Pacer({
    now,
    nextTurn: (callback) => void setImmediate(callback),
    later: (callback) => void setTimeout(callback, paceLimits.pollMs),
    giveWay: () => {},
  });
}

/**
 * Connections behind one listener on a free port of the loopback.
 *
 * @param answerWeb what a request for the administration is answered
 * @param answerRequest what a client is answered after the hello; "not supported" by default
 */
export async function serveOnLoopback(
  bounds: Partial<ConnectionBounds & WebBounds> = {},
  answerRequest: (request: ClientRequest) => ClientAnswer | Promise<ClientAnswer> = () => ({
    type: "error",
    error: "notSupported",
  }),
  answerWeb: (request: WebRequest) => Promise<WebResponse> = () =>
    Promise.resolve({ status: 404, headers: {}, body: "" }),
  log?: ConnectionLog,
  pacer: Pacer = createPacer(),
) {
  return serveProtocols(
    { protocols: [new SoftEtherProtocol({ answerRequest, answerWeb, bounds })] },
    bounds,
    log,
    pacer,
  );
}

/** The same for other protocols. */
export async function serveProtocols(
  protocols: Pick<ConnectionsOptions, "protocols" | "clearProtocols">,
  bounds: Partial<ConnectionBounds> = {},
  log?: ConnectionLog,
  pacer: Pacer = createPacer(),
) {
  const connections = new Connections({
    certificate: await testCertificate(),
    ...protocols,
    pacer,
    bounds,
    ...(log && { log }),
  });
  const listener = new Listener({
    port: 0,
    enabled: true,
    addresses: ["127.0.0.1"],
    accept: (socket) => connections.accept(socket),
    onChange: () => {},
    log: silent,
  });
  await listener.start();
  return {
    connections,
    port: listener.status.port,
    [Symbol.asyncDispose]: async () => {
      await listener.close();
      await connections.close();
    },
  };
}

/** Waits until `condition` holds, at most 20 s: other suites may load the machine. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `still waiting for: ${what}`);
    await delay(5);
  }
}

/** A client's end of a connection: all that came, and how it ended. */
export class Client<S extends Socket = Socket> {
  readonly socket: S;
  received = "";
  /** The stream's orderly end came: the peer closed and did not reset. */
  ended = false;
  closed = false;

  constructor(socket: S) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    socket.on("end", () => (this.ended = true));
    socket.on("close", () => (this.closed = true));
  }

  /** Waits until the received text matches. */
  async gets(pattern: RegExp): Promise<void> {
    await until(`${pattern} in ${JSON.stringify(this.received)}`, () => pattern.test(this.received));
  }

  /** Waits until the connection is closed. */
  async isClosed(): Promise<void> {
    await until("the connection to close", () => this.closed);
  }
}

export function dialTcp(port: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1", () => resolve(new Client(socket)));
    socket.once("error", reject);
  });
}

export function dialTls(port: number, options: ConnectionOptions = {}): Promise<Client<TLSSocket>> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
      resolve(new Client(socket)),
    );
    socket.once("error", reject);
  });
}
