import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Plugin } from "./support/plugin.ts";
import { onEachProgram, statusLines, type Scene } from "./support/suite.ts";
import { startOddSshServer, startTcpServer, type OddServer } from "./support/odd-server.ts";
import type { Properties } from "./support/values.ts";

/** A valid key that no server of the cases has. */
const otherHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEGvnk7R+1xDPCmZXrVq+itoXbb3gCbRR58e2TYsxRpg";

/** Creates a resource over a connection with these changes, and tells what became of it. */
async function dial(scene: Scene, changes: Properties, options: { timeoutSeconds?: number } = {}) {
  const { error, state, dials, log, elapsedMs } = await scene.create(
    "Command",
    { connection: scene.connection(changes), create: "echo in", logging: "none" },
    options,
  );
  // Ports of this end are never the same.
  const text = error?.replace(/127\.0\.0\.1:\d+->127\.0\.0\.1:\d+/, "HERE->THERE");
  return { error: text, stdout: state?.values.stdout, dials, log: statusLines(log), elapsedMs };
}

onEachProgram("connections", (scene) => {
  describe("host key", () => {
    const accepted: [string, (key: string) => string][] = [
      ["the key of the host", (key) => key],
      ["a comment behind it", (key) => `${key} somebody@somewhere\n`],
      ["its host in front of it, as ssh-keyscan prints it", (key) => `[127.0.0.1]:22 ${key}`],
      ["options in front of it", (key) => `no-pty,command="a b" ${key}`],
      ["lines without a key before it", (key) => `# comment\n\n${key}`],
    ];
    for (const [what, form] of accepted) {
      test(`is taken with ${what}`, async () => {
        const { stdout, dials } = await dial(scene, { hostKey: form(scene.host.hostKeys.ed25519) });
        assert.deepEqual({ stdout, dials }, { stdout: "in", dials: 1 });
      });
    }

    test("may be of another kind that the host has", async () => {
      assert.equal((await dial(scene, { hostKey: scene.host.hostKeys.ecdsa })).stdout, "in");
    });

    test("is not checked where none is given", async () => {
      assert.equal((await dial(scene, {})).stdout, "in");
    });

    test("of somebody else ends every try", async () => {
      const { error, dials, log } = await dial(scene, { hostKey: otherHostKey, dialErrorLimit: 2 });
      assert.equal(error, "after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch");
      assert.equal(dials, 3);
      assert.deepEqual(log, ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
    });

    test("pins its algorithm, so that an RSA key fits no server of today", async () => {
      const { error } = await dial(scene, { hostKey: scene.host.hostKeys.rsa, dialErrorLimit: 0 });
      assert.equal(
        error,
        "after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; " +
          "we offered: [ssh-rsa], peer offered: [ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512 rsa-sha2-256]",
      );
    });

    const refused: [string, string, string][] = [
      ["nothing", "", "ssh: no key found"],
      ["one word", "nonsense", "ssh: no key found"],
      [
        "a key that is cut short",
        "ssh-ed25519 AAAA",
        "ssh: no key found; last parsing error for ignored line: ssh: short read",
      ],
    ];
    for (const [what, hostKey, reason] of refused) {
      test(`is refused before anybody is dialled: ${what}`, async () => {
        const { error, dials } = await dial(scene, { hostKey });
        assert.deepEqual({ error, dials }, { error: `failed to parse host key: ${reason}`, dials: 0 });
      });
    }
  });

  describe("private key", () => {
    /** A key that may log in, with or without a passphrase. */
    const makeKey = async (name: string, passphrase: string, ...form: string[]) => {
      const path = join(scene.directory, name);
      execFileSync("ssh-keygen", ["-q", "-N", passphrase, "-f", path, ...form]);
      await appendFile(join(scene.directory, "sshd/authorized_keys"), await readFile(`${path}.pub`));
      return readFile(path, "utf8");
    };

    const forms: [string, string[]][] = [
      ["ed25519", ["-t", "ed25519"]],
      ["rsa-pem", ["-t", "rsa", "-b", "2048", "-m", "PEM"]],
      ["ecdsa", ["-t", "ecdsa"]],
    ];
    for (const [name, form] of forms) {
      test(`of the form ${name} needs its passphrase`, async () => {
        const privateKey = await makeKey(name, "secret", ...form);
        assert.equal((await dial(scene, { privateKey, privateKeyPassword: "secret" })).stdout, "in");
        const without = await dial(scene, { privateKey });
        assert.equal(without.error, "ssh: this private key is passphrase protected");
        const wrong = await dial(scene, { privateKey, privateKeyPassword: "wrong" });
        assert.equal(wrong.error, "x509: decryption password incorrect");
        assert.equal(without.dials + wrong.dials, 0);
      });
    }

    test("may be one in PKCS#8", async () => {
      for (const form of [
        ["-t", "rsa", "-b", "2048"],
        ["-t", "ecdsa", "-b", "384"],
      ]) {
        const privateKey = await makeKey(`pkcs8-${form[1]}`, "", "-m", "PKCS8", ...form);
        assert.match(privateKey, /BEGIN PRIVATE KEY/);
        assert.equal((await dial(scene, { privateKey })).stdout, "in");
      }
    });

    test("may be an Ed25519 key in PKCS#8", async () => {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
      const type = Buffer.from("ssh-ed25519");
      const length = (bytes: Buffer) => Buffer.from([0, 0, 0, bytes.length]);
      const blob = Buffer.concat([length(type), type, length(raw), raw]).toString("base64");
      await appendFile(join(scene.directory, "sshd/authorized_keys"), `ssh-ed25519 ${blob}\n`);
      const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
      assert.equal((await dial(scene, { privateKey: pem })).stdout, "in");
    });

    const refused: [string, Properties, string][] = [
      ["nonsense", { privateKey: "nonsense" }, "ssh: no key found"],
      ["a public key", { privateKey: otherHostKey }, "ssh: no key found"],
      [
        "a damaged key",
        { privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n" },
        "ssh: invalid openssh private key format",
      ],
      [
        "a certificate",
        { privateKey: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
        'ssh: unsupported key type "CERTIFICATE"',
      ],
      [
        "a passphrase for a key that has none",
        { privateKeyPassword: "x" },
        "ssh: key is not password protected",
      ],
    ];
    for (const [what, changes, message] of refused) {
      test(`is refused before anybody is dialled: ${what}`, async () => {
        const { error, dials } = await dial(scene, changes);
        assert.deepEqual({ error, dials }, { error: message, dials: 0 });
      });
    }
  });

  describe("login", () => {
    test("with a key that the host does not know", async () => {
      const path = join(scene.directory, "stranger");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
      const { error, dials, log } = await dial(scene, { privateKey: await readFile(path, "utf8") });
      assert.equal(
        error,
        "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
          "attempted methods [none publickey], no supported methods remain",
      );
      assert.equal(dials, 2);
      assert.deepEqual(log, ["Dial 1/1 failed: retrying"]);
    });

    test("with nothing to log in with, or what the host does not take", async () => {
      const { privateKey: _, ...connection } = scene.connection({ dialErrorLimit: 0 });
      for (const [given, methods] of [
        [{}, "none"],
        [{ password: "x" }, "none"],
      ] as const) {
        const { error } = await scene.create("Command", {
          connection: { ...connection, ...given },
          create: "true",
        });
        assert.equal(
          error,
          "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
            `attempted methods [${methods}], no supported methods remain`,
        );
      }
    });

    /** A server that asks for one method, and notes what is tried. */
    const startMethodServer = async (
      accepts: string[],
      take: (attempt: string, answer: string) => boolean,
    ) => {
      const tried: string[] = [];
      const server = await startOddSshServer((client) => {
        client.on("authentication", (attempt) => {
          if (attempt.method !== "publickey" || attempt.signature) tried.push(attempt.method);
          if (attempt.method === "publickey" && !attempt.signature) attempt.accept();
          else if (attempt.method === "keyboard-interactive") {
            attempt.prompt([{ prompt: "Password:", echo: false }], (answers) => {
              if (take(attempt.method, answers.join())) attempt.accept();
              else attempt.reject(accepts as never);
            });
          } else if (take(attempt.method, attempt.method === "password" ? attempt.password : ""))
            attempt.accept();
          else attempt.reject(accepts as never);
        });
        client.on("session", (accept) => {
          accept().on("exec", (acceptCommand) => {
            const channel = acceptCommand();
            channel.write("in");
            channel.exit(0);
            channel.close();
          });
        });
      });
      return { server, tried };
    };

    test("by password", async () => {
      const { server, tried } = await startMethodServer(
        ["password"],
        (method, answer) => method === "password" && answer === "pw",
      );
      await using odd = server;
      assert.equal((await dial(scene, { port: odd.port, password: "pw" })).stdout, "in");
      assert.deepEqual(tried, ["none", "password"]);
    });

    test("by key first, then by password, then by the keyboard's password", async () => {
      const { server, tried } = await startMethodServer(
        ["keyboard-interactive", "password", "publickey"],
        (method, answer) => method === "keyboard-interactive" && answer === "pw",
      );
      await using odd = server;
      assert.equal((await dial(scene, { port: odd.port, password: "pw" })).stdout, "in");
      assert.deepEqual(tried, ["none", "publickey", "password", "keyboard-interactive"]);
    });

    test("fails when no method is left, and names those that were tried", async () => {
      const { server } = await startMethodServer(
        ["keyboard-interactive", "password", "publickey"],
        () => false,
      );
      await using odd = server;
      const { error } = await dial(scene, { port: odd.port, password: "pw", dialErrorLimit: 0 });
      assert.equal(
        error,
        "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
          "attempted methods [none publickey password keyboard-interactive], no supported methods remain",
      );
    });

    test("by a key of an agent", async () => {
      const socket = join(scene.directory, "agent");
      const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
      try {
        await scene.until(() => canConnect(socket));
        execFileSync("ssh-add", ["-q", scene.host.privateKeyPath], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: "ignore",
        });
        const { privateKey: _, ...connection } = scene.connection({ agentSocketPath: socket });
        const { state, error } = await scene.create("Command", { connection, create: "echo in" });
        assert.equal(error, undefined);
        assert.equal(state?.values.stdout, "in");
      } finally {
        agent.kill();
        await once(agent, "exit");
      }
    });

    test("fails for want of an agent, even with a private key", async () => {
      const file = join(scene.directory, "no-socket");
      await writeFile(file, "");
      for (const [path, reason] of [
        ["/nonexistent/agent", "dial unix /nonexistent/agent: connect: no such file or directory"],
        [file, `dial unix ${file}: connect: connection refused`],
        ["", "dial unix: missing address"],
      ] as const) {
        const { error, dials } = await dial(scene, { agentSocketPath: path });
        assert.deepEqual({ error, dials }, { error: reason, dials: 0 });
      }
    });

    test("looks for the agent in the environment", async () => {
      const plugin = await Plugin.start(scene.program, { SSH_AUTH_SOCK: "/nonexistent/from-environment" });
      try {
        const urn = scene.urn("Command");
        const inputs = await scene.checked(urn, { create: "true" });
        await assert.rejects(plugin.create(urn, inputs), {
          message: "dial unix /nonexistent/from-environment: connect: no such file or directory",
        });
      } finally {
        await plugin.stop();
      }
    });
  });

  describe("dialling", () => {
    test("tries again after 0.1 s, then after half as long again each time", async () => {
      const times: number[] = [];
      await using server = await startTcpServer((socket) => {
        times.push(performance.now());
        socket.end();
      });
      const { error, log } = await dial(scene, { port: server.port, dialErrorLimit: 4 });
      assert.equal(error, "after 4 failed attempts: ssh: handshake failed: EOF");
      assert.deepEqual(
        log,
        [1, 2, 3, 4].map((number) => `Dial ${number}/4 failed: retrying`),
      );
      assert.equal(times.length, 5);
      for (const [index, expectedMs] of [100, 150, 225, 337].entries()) {
        const pauseMs = (times[index + 1] ?? 0) - (times[index] ?? 0);
        assert.ok(
          pauseMs >= expectedMs - 10,
          `pause ${index + 1} is ${pauseMs} ms, shorter than ${expectedMs} ms`,
        );
        assert.ok(
          pauseMs < expectedMs + 1_000,
          `pause ${index + 1} is ${pauseMs} ms, not near ${expectedMs} ms`,
        );
      }
    });

    test("goes on once the host answers", async () => {
      let refusals = 2;
      await using server = await startTcpServer((socket) => {
        if (refusals-- > 0) {
          socket.end();
          return;
        }
        const through = connect(scene.host.port, scene.host.host);
        through.on("error", () => socket.destroy());
        socket.on("close", () => through.destroy());
        socket.pipe(through).pipe(socket);
      });
      const { stdout, log } = await dial(scene, { port: server.port, dialErrorLimit: 5 });
      assert.equal(stdout, "in");
      assert.equal(log.length, 2);
    });

    test("without a limit goes on until the resource's time is up", async () => {
      const { error, log, elapsedMs } = await dial(
        scene,
        { port: 1, dialErrorLimit: -1 },
        { timeoutSeconds: 1 },
      );
      assert.equal(error, "context deadline exceeded");
      assert.equal(log[0], "Dial 1/inf failed: retrying");
      assert.ok(log.length >= 3 && log.length <= 6, `${log.length} tries in a second`);
      assert.ok(elapsedMs >= 990 && elapsedMs < 3_000, `it took ${elapsedMs} ms`);
    });

    test("ends when the engine cancels", async () => {
      const plugin = await Plugin.start(scene.program);
      try {
        const urn = scene.urn("Command");
        const inputs = await scene.checked(urn, {
          connection: scene.connection({ port: 1, dialErrorLimit: -1 }),
          create: "true",
        });
        const running = assert.rejects(plugin.create(urn, inputs), {
          message: "context canceled",
          status: "CANCELLED",
        });
        await scene.until(() => plugin.logOf(urn).length > 0);
        await plugin.cancel();
        await running;
      } finally {
        await plugin.stop();
      }
    });

    const refused: [string, Properties, string][] = [
      ["a port where nobody listens", { port: 1 }, "dial tcp 127.0.0.1:1: connect: connection refused"],
      [
        "an IPv6 address where nobody listens",
        { host: "::1", port: 1 },
        "dial tcp [::1]:1: connect: connection refused",
      ],
      ["a port that is none", { port: 70000 }, "dial tcp: address 70000: invalid port"],
      ["a negative port", { port: -1 }, "dial tcp: address -1: invalid port"],
    ];
    for (const [what, changes, reason] of refused) {
      test(`fails for ${what}`, async () => {
        const { error } = await dial(scene, { dialErrorLimit: 0, ...changes });
        assert.equal(error, `after 0 failed attempts: ${reason}`);
      });
    }

    test("cuts a port to a whole number", async () => {
      assert.equal((await dial(scene, { port: scene.host.port + 0.7 })).stdout, "in");
    });

    test("gives a connection as long as it is told to", async () => {
      await using server = await startFullServer();
      const { error, elapsedMs } = await dial(scene, {
        port: server.port,
        dialErrorLimit: 0,
        perDialTimeout: 1,
      });
      assert.equal(error, `after 0 failed attempts: dial tcp 127.0.0.1:${server.port}: i/o timeout`);
      assert.ok(elapsedMs >= 950 && elapsedMs < 4_000, `it took ${elapsedMs} ms`);
    });

    const oddServers: [string, (socket: Socket) => void][] = [
      ["hangs up", (socket) => socket.end()],
      ["hangs up after its version", (socket) => socket.end("SSH-2.0-x\r\n")],
      ["speaks HTTP", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
      ["sends bytes that are no text", (socket) => socket.end(Buffer.from([1, 2, 3, 10]))],
    ];
    for (const [what, onConnection] of oddServers) {
      test(`fails with a server that ${what}`, async () => {
        await using server = await startTcpServer(onConnection);
        const { error } = await dial(scene, { port: server.port });
        assert.equal(error, "after 1 failed attempts: ssh: handshake failed: EOF");
        assert.equal(server.connections(), 2);
      });
    }

    test("fails with a server that greets without end", async () => {
      await using server = await startTcpServer((socket) => socket.end("hello\n".repeat(10_000)));
      const { error } = await dial(scene, { port: server.port, dialErrorLimit: 0 });
      assert.equal(
        error,
        "after 0 failed attempts: ssh: handshake failed: ssh: overflow reading version string",
      );
    });

    test("fails with a server that hangs up during the login", async () => {
      await using server = await startOddSshServer((client, drop) => client.on("authentication", drop));
      const { error } = await dial(scene, { port: server.port, dialErrorLimit: 0 });
      assert.equal(error, "after 0 failed attempts: ssh: handshake failed: EOF");
    });
  });

  describe("proxy", () => {
    test("carries the connection", async () => {
      const { stdout, dials } = await dial(scene, {
        hostKey: scene.host.hostKeys.ed25519,
        proxy: scene.connection({ hostKey: scene.host.hostKeys.ed25519 }),
      });
      assert.deepEqual({ stdout, dials }, { stdout: "in", dials: 2 });
    });

    const failures: [string, (scene: Scene) => Properties, string, string[]][] = [
      [
        "does not answer",
        (scene) => ({ proxy: scene.connection({ port: 1 }) }),
        "proxy: after 1 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused",
        ["Dial proxy 1/1 failed: retrying"],
      ],
      [
        "has the wrong key",
        (scene) => ({ proxy: scene.connection({ hostKey: otherHostKey, dialErrorLimit: 0 }) }),
        "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        [],
      ],
      [
        "reaches nobody",
        (scene) => ({ port: 1, proxy: scene.connection() }),
        "proxy: after 1 failed attempts: ssh: rejected: connect failed (Connection refused)",
        ["Dial from proxy 1/1 failed: retrying"],
      ],
      [
        "reaches a host with the wrong key",
        (scene) => ({ hostKey: otherHostKey, dialErrorLimit: 0, proxy: scene.connection() }),
        "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
        [],
      ],
      [
        "cannot try a handshake twice on one stream",
        (scene) => ({ hostKey: otherHostKey, proxy: scene.connection() }),
        "proxy: after 1 failed attempts: ssh: handshake failed: EOF",
        ["Dial 1/1 failed: retrying"],
      ],
      [
        "has a host key that is none",
        (scene) => ({ proxy: scene.connection({ hostKey: "x" }) }),
        "proxy: failed to parse host key: ssh: no key found",
        [],
      ],
      [
        "is looked at after the host",
        (scene) => ({ hostKey: "x", proxy: scene.connection({ hostKey: "x" }) }),
        "failed to parse host key: ssh: no key found",
        [],
      ],
    ];
    for (const [what, changes, message, lines] of failures) {
      test(`that ${what}`, async () => {
        const { error, log } = await dial(scene, changes(scene));
        assert.deepEqual({ error, log }, { error: message, log: lines });
      });
    }
  });
});

onEachProgram(
  "connections to a host that takes one login per connection",
  (scene) => {
    test("show what the host says when it hangs up", async () => {
      const path = join(scene.directory, "stranger");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
      const { error } = await dial(scene, { privateKey: await readFile(path, "utf8"), dialErrorLimit: 0 });
      assert.equal(
        error,
        "after 0 failed attempts: ssh: handshake failed: ssh: disconnect, reason 2: Too many authentication failures",
      );
    });
  },
  { sshdConfiguration: ["MaxAuthTries 1"] },
);

onEachProgram(
  "connections by way of a host that forwards nothing",
  (scene) => {
    test("fail with its reason", async () => {
      const { error } = await dial(scene, { proxy: scene.connection() });
      assert.equal(
        error,
        "proxy: after 1 failed attempts: ssh: rejected: administratively prohibited (open failed)",
      );
    });
  },
  { sshdConfiguration: ["AllowTcpForwarding no"] },
);

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** A port whose queue of connections is full: it neither takes another one nor turns it away. */
async function startFullServer(): Promise<Pick<OddServer, "port"> & AsyncDisposable> {
  const program =
    'const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {' +
    'require("node:fs").writeSync(1, server.address().port + "\\n");' +
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });";
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  const waiting: Socket[] = [];
  for (let full = false; !full && waiting.length < 20;) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    waiting.push(socket);
    full = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), 500);
      socket.once("connect", () => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of waiting) socket.destroy();
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
