import assert from "node:assert/strict";
import dns from "node:dns";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import ssh2 from "ssh2";
import type { SshConnection } from "../../../components/ssh/ssh-connection.ts";
import { parseHostKey } from "../../../components/arguments/host-key.ts";
import { SshError, SshSession } from "../../../components/ssh/ssh-session.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

const password = "correct horse";
const hostKeys = ed25519KeyPair();
const otherKeys = ed25519KeyPair();

/** What ssh2 documents, and its types leave out. */
interface Untyped {
  setNoDelay(): void;
  injectSocket(socket: Socket): void;
}

let server: ssh2.Server;
let port: number;
let logins = 0;

before(async () => {
  server = new ssh2.Server({ hostKeys: [hostKeys.private] }, (client) => {
    client.on("error", () => undefined);
    // As sshd: otherwise each step waits for the acknowledgement of the one before.
    (client as ssh2.Connection & Untyped).setNoDelay();
    client.on("authentication", (attempt) => {
      logins++;
      if (attempt.method === "password" && attempt.password === password) attempt.accept();
      else attempt.reject(["password"]);
    });
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        if (command === "hang") return;
        if (command === "refuse") {
          channel.exit(3);
          channel.close();
          return;
        }
        if (command === "cat") {
          channel.pipe(channel, { end: false });
          channel.on("end", () => {
            channel.exit(0);
            channel.end();
          });
          return;
        }
        channel.stderr.write("to stderr");
        channel.write("x".repeat(Number(command)));
        channel.exit(3);
        channel.end();
      });
    });
    client.on("tcpip", (accept, reject, { destPort }) => {
      if (destPort !== 5555) {
        reject();
        return;
      }
      const channel = accept();
      channel.end("hello");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

after(() => server.close());

function connection(more: Partial<SshConnection> = {}): SshConnection {
  const hostKey = parseHostKey(hostKeys.public, "hostKey");
  return { host: "127.0.0.1", port, user: "root", password, hostKey, ...more };
}

async function refusal(refused: SshConnection, deadlineMs = 0, retryDelayMs = 1_000): Promise<SshError> {
  try {
    (await SshSession.connect(refused, { deadlineMs, retryDelayMs })).close();
  } catch (error) {
    assert.ok(error instanceof SshError);
    return error;
  }
  throw new Error("the connection was made");
}

async function withSession<T>(use: (session: SshSession) => Promise<T>): Promise<T> {
  const session = await SshSession.connect(connection(), { deadlineMs: 0 });
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

describe("SshSession.connect", () => {
  test("refuses a host key other than the expected one before it shows a credential", async () => {
    const before = logins;
    const error = await refusal(connection({ hostKey: parseHostKey(otherKeys.public, "hostKey") }), 5_000);
    assert.match(error.message, /is not the expected one: it offers "ssh-ed25519 /);
    assert.equal(error.retry, "never");
    assert.equal(logins, before);
  });

  test("tells refused credentials at once, without another try", async () => {
    const error = await refusal(connection({ password: "wrong" }), 5_000);
    assert.match(error.message, /refuses the credentials/);
    assert.doesNotMatch(error.message, /wrong/);
  });

  test("names a private key that cannot be read", async () => {
    const error = await refusal(connection({ privateKey: "no key" }));
    assert.match(error.message, /cannot log in to root@127\.0\.0\.1:\d+: .*privateKey/);
  });

  test("waits for a host that does not answer yet", async () => {
    const placeholder = createServer();
    placeholder.listen(0, "127.0.0.1");
    await once(placeholder, "listening");
    const free = (placeholder.address() as AddressInfo).port;
    placeholder.close();
    await once(placeholder, "close");
    assert.match(
      (await refusal(connection({ port: free }))).message,
      /cannot be reached: connect ECONNREFUSED/,
    );

    const late = SshSession.connect(connection({ port: free }), { deadlineMs: 20_000, retryDelayMs: 20 });
    const relay = createServer((socket) => {
      (server as ssh2.Server & Untyped).injectSocket(socket);
    });
    relay.listen(free, "127.0.0.1");
    (await late).close();
    relay.close();
  });

  test("fails once when a server is silent, and then says what is none of SSH", async () => {
    const ended: Promise<unknown>[] = [];
    const silent = createServer({ allowHalfOpen: true }, (socket) => {
      // The client gives up on it, and hears of it all the same.
      socket.on("error", () => undefined);
      ended.push(once(socket, "close"));
      socket.resume();
      socket.once("end", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      const where = connection({ port: (silent.address() as AddressInfo).port });
      await assert.rejects(
        SshSession.connect(where, { deadlineMs: 0, dialTimeoutMs: 100 }),
        /cannot be reached: Timed out while waiting for handshake/,
      );
      await Promise.all(ended);
    } finally {
      silent.close();
    }
  });

  test("does not wait long for a name that nobody knows", async (context) => {
    // Who answers for the names of this machine, and how, is not the test's.
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND no-such-host.invalid"), {
      code: "ENOTFOUND",
    });
    const lookup = context.mock.method(
      dns,
      "lookup",
      (_name: string, _options: unknown, callback: (error: Error) => void) => setImmediate(callback, unknown),
    );
    const begin = performance.now();
    const error = await refusal(connection({ host: "no-such-host.invalid" }), 60_000, 50);
    assert.match(error.message, /ENOTFOUND no-such-host\.invalid/);
    const tries = lookup.mock.callCount();
    assert.ok(tries >= 2 && tries <= 5, `${tries} tries`);
    assert.ok(performance.now() - begin < 10_000);
  });

  test("goes through the bastion, and says when that cannot reach the host", async () => {
    const { bastion: _none, ...bastion } = connection();
    const error = await refusal(connection({ host: "192.0.2.1", bastion }));
    assert.match(error.message, /the bastion cannot reach 192\.0\.2\.1/);
  });
});

describe("SshSession", () => {
  test("gives a command's output and exit code", async () => {
    const result = await withSession((session) => session.run("5", { timeoutMs: 5_000 }));
    assert.deepEqual(result, { code: 3, stdout: "xxxxx", stderr: "to stderr" });
  });

  test("hands standard input over and closes it", async () => {
    const result = await withSession((session) => session.run("cat", { timeoutMs: 5_000, stdin: "input" }));
    assert.deepEqual(result, { code: 0, stdout: "input", stderr: "" });
  });

  test("keeps no more than a megabyte of a command's output", async () => {
    const { stdout } = await withSession((session) => session.run("3000000", { timeoutMs: 10_000 }));
    assert.equal(stdout.length, 1024 * 1024);
  });

  test("gives up on a command that does not end", async () => {
    await withSession((session) =>
      assert.rejects(session.run("hang", { timeoutMs: 100 }), /did not end within 0\.1 s/),
    );
  });

  test("feeds a command, and tells how many bytes have gone out", async () => {
    const told: number[] = [];
    const { code, stdout } = await withSession((session) =>
      session.feed("cat", Readable.from([Buffer.alloc(1000, "a"), Buffer.alloc(500, "b")]), {
        idleTimeoutMs: 5_000,
        onProgress: (bytes) => told.push(bytes),
      }),
    );
    assert.equal(code, 0);
    assert.equal(stdout.length, 1500);
    assert.deepEqual(told, [1000, 1500]);
  });

  test("gives up feeding a command that takes nothing", async () => {
    const endless = Readable.from(
      (function* () {
        for (let left = 100; left > 0; left--) yield Buffer.alloc(1024 * 1024);
      })(),
    );
    await withSession((session) =>
      assert.rejects(
        session.feed("hang", endless, { idleTimeoutMs: 200, onProgress: () => undefined }),
        /the host took nothing for 0\.2 s/,
      ),
    );
  });

  test("does not wait for the end of what it feeds when the command has ended", async () => {
    const never = new Readable({ read: () => undefined });
    const { code } = await withSession((session) =>
      session.feed("refuse", never, { idleTimeoutMs: 5_000, onProgress: () => undefined }),
    );
    assert.equal(code, 3);
  });

  test("opens a port of the host as a stream, and tells a refusal", async () => {
    await withSession(async (session) => {
      const chunks = await (await session.openPort(5555)).toArray();
      assert.equal(Buffer.concat(chunks as Buffer[]).toString(), "hello");
      // RFC 4254 section 5.1: SSH_OPEN_CONNECT_FAILED.
      await assert.rejects(session.openPort(1), { reason: 2 });
    });
  });
});
