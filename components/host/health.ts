import { probeListener } from "../../server/client/probe.ts";
import type { InstallResult } from "../../server/contract/install-result.ts";
import type { ListenerStatus } from "../../server/contract/listener-status.ts";
import type { RunningStatus } from "../../server/contract/server-status.ts";
import type { CheckReport } from "../outputs/check-report.ts";
import type { SshConnection } from "../ssh/ssh-connection.ts";
import { SshSession } from "../ssh/ssh-session.ts";
import { applyCommand, logCommand, serverCommand } from "./host-script.ts";
import { applyResultIn, checkResultIn, serverStatusIn, UnreadableReportError } from "./server-output.ts";

export interface CheckOptions {
  readonly connection: SshConnection;
  readonly installed: InstallResult;
  /** Version of the server that was deployed. */
  readonly version: string;
  /** What the server is to be: standard input of `vpnserver apply`. */
  readonly desired: string;
  readonly timeoutMs: number;
  /** Told of what is not as it should be, though the server serves. */
  readonly warn: (message: string) => void;
  /** Told of what is good to know. */
  readonly note: (message: string) => void;
}

/** What a check found. */
export type Health =
  | {
      readonly kind: "well";
      readonly report: CheckReport;
      /** The certificate that the server has now, PEM. */
      readonly certificate: string;
    }
  /** The server does not serve, or is not as declared; `problem` says how. */
  | {
      readonly kind: "unwell";
      readonly problem: string;
      /** The end of its log, if there is one. */ readonly log: string;
    };

const commandTimeoutMs = 30_000;
const handshakeTimeoutMs = 10_000;
const logLines = 15;

/**
 * Checks that the server really serves, as declared: both processes, the expected release, a VPN protocol handshake on each
 * listener through the SSH connection, and the hubs. It looks and changes nothing.
 *
 * @throws SshError when the host cannot be asked
 */
export async function checkServer(options: CheckOptions): Promise<Health> {
  const session = await SshSession.connect(options.connection, { deadlineMs: options.timeoutMs });
  try {
    const report = await examine(session, options);
    return { kind: "well", report, certificate: await compareHubs(session, options) };
  } catch (error) {
    // A server of a later release is left alone: to put this one in its place would be no repair.
    if (!(error instanceof UnhealthyError || error instanceof UnreadableReportError)) throw error;
    return { kind: "unwell", problem: error.message, log: await lastLogLines(session, options) };
  } finally {
    session.close();
  }
}

/** Resolves to the server's certificate. */
async function compareHubs(session: SshSession, options: CheckOptions): Promise<string> {
  const { stdout, stderr, code } = await session.run(
    `${applyCommand(options.installed, options.connection.user)} --dry-run`,
    { stdin: options.desired, timeoutMs: commandTimeoutMs },
  );
  if (code !== 0) {
    throw new UnhealthyError(
      `the hubs could not be compared with what was declared: ${stderr.trim() || `apply ended with ${code ?? "a signal"}`}`,
    );
  }
  const { changes, certificate, warnings = [] } = applyResultIn(stdout);
  if (changes.length > 0) {
    throw new UnhealthyError(
      `the hubs are no longer as declared; to make them so again: ${changes.join("; ")}`,
    );
  }
  for (const warning of warnings) options.warn(warning);
  return certificate;
}

class UnhealthyError extends Error {
  override readonly name = "UnhealthyError";
}

async function examine(session: SshSession, options: CheckOptions): Promise<CheckReport> {
  const status = await readStatus(session, options);
  if (status.release !== options.installed.sha256) {
    throw new UnhealthyError(
      `the server runs release ${status.release ?? "(unknown)"} instead of ${options.installed.sha256}`,
    );
  }
  if (status.worker.pid === null) throw new UnhealthyError("the worker has ended and is being started again");
  const serving = status.listeners.filter((listener) => listener.state === "Listening");
  if (serving.length === 0) {
    const reasons = status.listeners
      .map(({ port, state, reason }) => `${port} ${reason ?? state}`)
      .join("; ");
    throw new UnhealthyError(`the server runs, but no listener is open (${reasons || "none is configured"})`);
  }
  // Without root, ports below 1024 are expected to fail, and the outputs tell of them.
  if (options.installed.mode === "service") {
    for (const { port, state, reason } of status.listeners) {
      if (state === "Error") options.warn(`port ${port} does not serve: ${reason ?? "the log says why"}`);
    }
  }
  for (const warning of status.warnings ?? []) options.warn(warning);
  // Without root there is no other way.
  if (options.installed.mode === "service") {
    for (const { name, secureNat } of status.hubs ?? []) {
      if (secureNat?.nat !== "user" || secureNat.natReason === undefined) continue;
      options.note(
        `hub ${name}: the server translates addresses itself, since the host's kernel cannot: ${secureNat.natReason}`,
      );
    }
  }
  const handshakes = await shakeHands(session, options, serving);
  return {
    passed: true,
    version: status.version,
    release: status.release,
    processes: new Set([status.supervisor.pid, status.worker.pid]).size,
    listeners: status.listeners.map(({ port, state, reason }) => {
      const tlsVersion = handshakes.tlsVersions.get(port);
      return {
        port,
        state,
        ...(reason !== undefined && { reason }),
        answers: tlsVersion !== undefined,
        ...(tlsVersion !== undefined && { tlsVersion }),
      };
    }),
    checkedThrough: handshakes.checkedThrough,
  };
}

async function readStatus(session: SshSession, options: CheckOptions): Promise<RunningStatus> {
  const { stdout, stderr, code } = await session.run(
    serverCommand(options.installed, options.connection.user, "status --json"),
    { timeoutMs: commandTimeoutMs },
  );
  const status = serverStatusIn(stdout);
  if (!status?.running) {
    throw new UnhealthyError(
      `the server does not run (status ended with ${code ?? "a signal"}${stderr.trim() && `: ${stderr.trim()}`})`,
    );
  }
  return status;
}

async function shakeHands(
  session: SshSession,
  options: CheckOptions,
  listeners: readonly ListenerStatus[],
): Promise<{ tlsVersions: Map<number, string>; checkedThrough: string }> {
  const tlsVersions = new Map<number, string>();
  for (const { port, address } of listeners) {
    let forwardingRefused = false;
    try {
      const hello = await probeListener(
        () =>
          session.openPort(port, address).catch((error: Error & { reason?: unknown }) => {
            // RFC 4254 section 5.1: 1 is SSH_OPEN_ADMINISTRATIVELY_PROHIBITED.
            forwardingRefused = error.reason === 1;
            throw error;
          }),
        { timeoutMs: handshakeTimeoutMs },
      );
      if (hello.product !== `pulumi-vpnserver ${options.version}`) {
        throw new UnhealthyError(`another program answers on port ${port}: "${hello.product}"`);
      }
      tlsVersions.set(port, hello.tlsVersion);
    } catch (error) {
      if (forwardingRefused) return await checkOnHost(session, options);
      if (error instanceof UnhealthyError) throw error;
      // A server that others keep busy is well: to start it again would end its sessions and change nothing.
      if ((await readStatus(session, options)).full === true) {
        options.warn(fullWarning(port));
        continue;
      }
      throw new UnhealthyError(`no VPN handshake on port ${port}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return { tlsVersions, checkedThrough: "ssh tunnel" };
}

/** For hosts whose SSH server forwards no ports (`AllowTcpForwarding no`): the same handshake, made on the host. */
async function checkOnHost(session: SshSession, options: CheckOptions) {
  const { stdout, stderr } = await session.run(
    serverCommand(options.installed, options.connection.user, "check --json"),
    { timeoutMs: commandTimeoutMs },
  );
  const check = checkResultIn(stdout);
  if (!check?.ok) throw new UnhealthyError(`the check on the host failed: ${stderr.trim() || stdout.trim()}`);
  const tlsVersions = new Map<number, string>();
  for (const { port, ok, full, tlsVersion } of check.listeners) {
    if (ok && tlsVersion) tlsVersions.set(port, tlsVersion);
    else if (full) options.warn(fullWarning(port));
  }
  return { tlsVersions, checkedThrough: "host" };
}

function fullWarning(port: number): string {
  return `port ${port} did not answer, since more connections come than the server has places for; it runs, and is left alone`;
}

async function lastLogLines(session: SshSession, { installed, connection }: CheckOptions): Promise<string> {
  const { stdout } = await session
    .run(logCommand(installed, connection.user, logLines), { timeoutMs: commandTimeoutMs })
    .catch(() => ({ stdout: "" }));
  return stdout.trim() === "" ? "" : ` Last lines of its log:\n${stdout.trimEnd()}`;
}
