import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { describe, test } from "node:test";
import ssh2 from "ssh2";
import { parseHostKey } from "../../../components/arguments/host-key.ts";
import { checkServer } from "../../../components/host/health.ts";
import type { CheckResult } from "../../../server/contract/check-result.ts";
import type { InstallResult } from "../../../server/contract/install-result.ts";
import type { RunningStatus } from "../../../server/contract/server-status.ts";
import { version } from "../../../server/version.ts";
import { recordedJson } from "../contract/recorded-json.ts";
import { listening, release, someStatus } from "../supervisor/reporting-server.ts";
import { serveOnLoopback, testCertificate } from "../transport/loopback.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

const hostKeys = ed25519KeyPair();
const installed = {
  ...recordedJson.install,
  mode: "user",
  sha256: release,
} as unknown as InstallResult;

/** Ports of the server: one that answers clients, and one that closes every connection. */
const answering = 5555;
const silent = 992;

interface HostOptions {
  readonly status: Partial<RunningStatus>;
  /** What `vpnserver check` says on the host, whose SSH server forwards no ports then. */
  readonly check?: CheckResult;
}

/** Checks a server on a host that is SSH alone. */
async function check({ status, check }: HostOptions, expectedVersion: string = version) {
  await using server = await serveOnLoopback();
  const { certificatePem } = await testCertificate();
  const outputOf = (command: string): [code: number, output: object] => {
    if (command.includes(" status ")) return [0, { ...someStatus, ...status }];
    if (command.includes(" check ")) return [check?.ok === true ? 0 : 1, check ?? {}];
    if (command.includes(" --dry-run"))
      return [0, { ...recordedJson.apply, changes: [], certificate: certificatePem }];
    return [1, {}];
  };
  const host = new ssh2.Server({ hostKeys: [hostKeys.private] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (attempt) => attempt.accept());
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const [code, output] = outputOf(command);
        channel.write(`${JSON.stringify(output)}\n`);
        channel.exit(code);
        channel.end();
      });
    });
    // Who listens to no such request forbids it, as "AllowTcpForwarding no" does.
    if (check !== undefined) return;
    client.on("tcpip", (accept, _reject, { destPort }) => {
      const channel = accept();
      channel.on("error", () => {});
      if (destPort === silent) return void channel.close();
      const socket = connect(server.port, "127.0.0.1").on("error", () => channel.close());
      channel.pipe(socket).pipe(channel);
    });
  });
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  const warnings: string[] = [];
  try {
    const health = await checkServer({
      connection: {
        host: "127.0.0.1",
        port: (host.address() as AddressInfo).port,
        user: "root",
        password: "any",
        hostKey: parseHostKey(hostKeys.public, "hostKey"),
      },
      installed,
      version: expectedVersion,
      desired: "{}",
      timeoutMs: 20_000,
      warn: (message) => warnings.push(message),
      note: () => {},
    });
    return { health, warnings };
  } finally {
    host.close();
  }
}

const full = { ...listening(answering, silent), full: true };

describe("the check of a deployed server", () => {
  test("finds it well when each open port answers through the SSH connection", async () => {
    const { health, warnings } = await check({ status: listening(answering) });
    assert.ok(health.kind === "well", JSON.stringify(health));
    assert.deepEqual(warnings, []);
    assert.equal(health.report.listeners[0]?.answers, true);
  });

  test("leaves one alone that is full, and tells of it", async () => {
    const { health, warnings } = await check({ status: full });
    assert.ok(health.kind === "well", JSON.stringify(health));
    assert.deepEqual(
      health.report.listeners.map(({ port, answers }) => [port, answers]),
      [
        [answering, true],
        [silent, false],
      ],
    );
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /port 992 did not answer, since more connections come than .* is left alone/,
    );
  });

  test("finds one unwell that does not answer and is not full", async () => {
    const { health } = await check({ status: listening(answering, silent) });
    assert.ok(health.kind === "unwell");
    assert.match(health.problem, /no VPN handshake on port 992/);
  });

  test("finds it unwell when another program answers, however full the server is", async () => {
    const { health } = await check({ status: full }, "9.9.9");
    assert.ok(health.kind === "unwell");
    assert.match(health.problem, /another program answers on port 5555/);
  });

  test("finds it unwell when its worker has ended, however full it was", async () => {
    const { health } = await check({ status: { ...full, worker: { pid: null, restarts: 3 } } });
    assert.ok(health.kind === "unwell");
    assert.match(health.problem, /the worker has ended/);
  });

  const onHost = (ok: boolean, isFull: boolean): CheckResult => ({
    ok,
    listeners: [
      { port: answering, ok: true, tlsVersion: "TLSv1.3" },
      { port: silent, ok: false, error: "closed", ...(isFull && { full: true }) },
    ],
  });

  test("takes the word of the check on the host for it, where no ports are forwarded", async () => {
    const { health, warnings } = await check({ status: full, check: onHost(true, true) });
    assert.ok(health.kind === "well", JSON.stringify(health));
    assert.equal(health.report.checkedThrough, "host");
    assert.match(warnings.join("\n"), /port 992 did not answer/);
  });

  test("finds it unwell when the check on the host fails", async () => {
    const { health } = await check({ status: full, check: onHost(false, false) });
    assert.ok(health.kind === "unwell");
    assert.match(health.problem, /the check on the host failed/);
  });
});
