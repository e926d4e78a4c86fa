import { constants } from "node:os";
import type ssh2 from "ssh2";
import { openConnection, type Connection } from "./connection.ts";
import { quote } from "./go-text.ts";
import { LogLines } from "./log-lines.ts";
import type { Operation } from "./operation.ts";
import { SessionChannel } from "./session-channel.ts";

/** A command for a host. */
export interface RemoteRun {
  readonly connection: Connection;
  readonly command: string;
  readonly stdin?: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Variables that may be refused: the host is told of the last run where it wants to know. */
  readonly optionalEnvironment: ReadonlyMap<string, string>;
  /** `stdout`, `stderr` or `stdoutAndStderr`; anything else logs nothing. */
  readonly logging: string;
}

/** What a command printed, as it came. */
export interface RunOutput {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Upper bound on what is kept of one run's output. The official program has none. */
const outputLimitBytes = 64 * 1024 * 1024;
/** Upper bound on the output in an error message, so that the message fits into what gRPC carries. */
const messageOutputLimitBytes = 2 * 1024 * 1024;
/**
 * How long a command that was told to end may take to do so, before the connection is closed under it. OpenSSH passes
 * no signals on for root: there the command ends when it next writes, or reads.
 */
const endGraceMs = 1_000;

/**
 * Runs a command in the user's shell on a host and waits for its end.
 *
 * @throws Error with the text of the official program, which shows the command and all that it printed
 */
export async function runRemotely(run: RemoteRun, operation: Operation): Promise<RunOutput> {
  const connection = await openConnection(run.connection, operation);
  try {
    const channel = await SessionChannel.open(connection.client);
    for (const [name, value] of run.environment) {
      try {
        await channel.setVariable(name, value);
      } catch (error) {
        await operation.log.message("error", refusedVariableText(name));
        throw new Error(`could not set environment variable ${quote(name)}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    for (const [name, value] of run.optionalEnvironment) {
      try {
        await channel.setVariable(name, value);
      } catch {
        await operation.log.message("warning", refusedVariableText(name));
      }
    }
    return await execute(channel, run, operation);
  } finally {
    connection.close();
  }
}

function refusedVariableText(name: string): string {
  return (
    `Unable to set '${name}'. This only works if your SSH server is configured to accept\n` +
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could\n" +
    "\tprefix the command itself with the variables in the form 'VAR=value command'"
  );
}

async function execute(channel: SessionChannel, run: RemoteRun, operation: Operation): Promise<RunOutput> {
  const { stream } = channel;
  const { signal } = operation;
  const log = new LogLines((line) => operation.log.status(line), {
    pause: () => [stream, stream.stderr].forEach((source) => source.pause()),
    resume: () => [stream, stream.stderr].forEach((source) => source.resume()),
  });
  const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
  let bytes = 0;
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let giveUp = () => {};
  const givenUp = new Promise<undefined>((resolve) => (giveUp = () => resolve(undefined)));
  const stop = (reason: string) => {
    if (failure !== undefined) return;
    failure = reason;
    stream.signal("TERM");
    timer = setTimeout(giveUp, endGraceMs);
  };
  const collect = (name: "stdout" | "stderr", source: NodeJS.ReadableStream) => {
    const logged = run.logging === name || run.logging === "stdoutAndStderr";
    source.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > outputLimitBytes) {
        stop(`the command printed more than ${outputLimitBytes / 1024 / 1024} MiB`);
        return;
      }
      collected[name].push(chunk);
      collected.both.push(chunk);
      if (logged) log.write(chunk);
    });
  };
  collect("stdout", stream);
  collect("stderr", stream.stderr);

  const end = watchEnd(stream);
  const abort = () => stop((signal.reason as Error).message);
  try {
    await channel.start(run.command);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    stream.end(run.stdin ?? "");
    const reason = await Promise.race([end, givenUp]);
    failure ??= reason;
  } catch (error) {
    failure ??= (error as Error).message;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    await log.end();
  }
  if (failure !== undefined) {
    throw new Error(
      `${failure}: running ${quote(run.command)}:\n${messageOutput(Buffer.concat(collected.both))}`,
    );
  }
  return { stdout: Buffer.concat(collected.stdout), stderr: Buffer.concat(collected.stderr) };
}

/** Resolves when the command is over and all of its output was seen: to what went wrong, if anything did. */
async function watchEnd(stream: ssh2.ClientChannel): Promise<string | undefined> {
  let status: string | undefined = "wait: remote command exited without exit status or exit signal";
  let stdinSent = false;
  stream.once("finish", () => (stdinSent = true));
  stream.on("error", () => {});
  stream.once("exit", (code: number | null, signal?: string, _dump?: boolean, description?: string) => {
    if (code === 0) status = undefined;
    else
      status = `Process exited with ${code !== null ? `status ${code}` : signalText(signal ?? "", description)}`;
  });
  const closed = new Promise((resolve) => stream.once("close", resolve));
  const stderrEnded = new Promise((resolve) => stream.stderr.once("close", resolve).once("end", resolve));
  await closed;
  await stderrEnded;
  // The command ended well, but did not wait for all of its input.
  return status === undefined && !stdinSent ? "EOF" : status;
}

function signalText(signal: string, description: string | undefined): string {
  const number = knownSignals.has(signal) ? constants.signals[signal as NodeJS.Signals] : 0;
  const reason = description ? `. Reason was: ${description}` : "";
  return `status ${128 + number} from signal ${signal.replace(/^SIG/, "")}${reason}`;
}

/** The signals that RFC 4254, section 6.10 names. */
const knownSignals = new Set(
  "ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM".split(" ").map((name) => `SIG${name}`),
);

function messageOutput(output: Buffer): string {
  if (output.length <= messageOutputLimitBytes) return output.toString();
  const left = output.length - messageOutputLimitBytes;
  return `[${left} bytes left out]\n${output.subarray(left).toString()}`;
}
