import { Transform, type Duplex, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import ssh2 from "ssh2";
import { messageOf } from "./error-message.ts";
import { describeEndpoint, type SshConnection, type SshEndpoint } from "./ssh-connection.ts";

/** What a command on the host answered. */
export interface CommandResult {
  /** Exit code; `undefined` when a signal ended the command or the connection broke. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a host could not be reached, in words that name the host, the cause and the way out. */
export class SshError extends Error {
  override readonly name = "SshError";
  /** How long other tries may succeed: the host may still be starting. A wrong key will stay wrong. */
  readonly retry: Retry;

  constructor(message: string, retry: Retry, options?: ErrorOptions) {
    super(message, options);
    this.retry = retry;
  }
}

/** `briefly`: a name that nobody knows may be new; as a rule it is misspelt. */
type Retry = "never" | "briefly" | "until the deadline";

/** Upper bound on what is kept of one command's output, per stream. */
const outputLimitBytes = 1024 * 1024;
/** So many tries' time a name that nobody knows is given. */
const briefTries = 5;
const retryReportMs = 5_000;

export interface ConnectOptions {
  /** How long to go on trying. */
  readonly deadlineMs: number;
  /**
   * How long one try may take.
   * @default 15000
   */
  readonly dialTimeoutMs?: number;
  /**
   * How long to wait before another try.
   * @default 1000
   */
  readonly retryDelayMs?: number;
  /** Told now and then what keeps the connection from being made, and how long it has been tried. */
  readonly onRetry?: (problem: string, elapsedMs: number) => void;
}

/** One SSH connection to a host, with the host key verified, by way of the bastion where there is one. */
export class SshSession {
  readonly #client: ssh2.Client;
  readonly #bastion: ssh2.Client | undefined;
  readonly #broken: Promise<never>;

  private constructor(client: ssh2.Client, bastion: ssh2.Client | undefined) {
    this.#client = client;
    this.#bastion = bastion;
    this.#broken = new Promise((_, reject) => {
      client.once("close", () => reject(new Error("the connection broke")));
    });
    this.#broken.catch(() => {});
  }

  /**
   * Connects, and tries again until the deadline while the host may still be starting. Refused credentials and a wrong
   * host key fail at once.
   *
   * @throws SshError
   */
  static async connect(
    connection: SshConnection,
    { deadlineMs, dialTimeoutMs = 15_000, retryDelayMs = 1_000, onRetry }: ConnectOptions,
  ): Promise<SshSession> {
    const start = Date.now();
    let reported = start;
    for (;;) {
      try {
        return await SshSession.#dial(connection, dialTimeoutMs);
      } catch (error) {
        const elapsedMs = Date.now() - start;
        if (!(error instanceof SshError) || error.retry === "never") throw error;
        const patienceMs =
          error.retry === "briefly" ? Math.min(briefTries * retryDelayMs, deadlineMs) : deadlineMs;
        if (elapsedMs + retryDelayMs >= patienceMs) throw error;
        if (Date.now() - reported >= retryReportMs) {
          reported = Date.now();
          onRetry?.(error.message, elapsedMs);
        }
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
      }
    }
  }

  static async #dial(connection: SshConnection, timeoutMs: number): Promise<SshSession> {
    const { bastion: bastionEndpoint, ...endpoint } = connection;
    if (!bastionEndpoint) return new SshSession(await connectClient(endpoint, timeoutMs), undefined);
    const bastion = await connectClient(bastionEndpoint, timeoutMs);
    try {
      const socket = await forward(bastion, endpoint.host, endpoint.port);
      return new SshSession(await connectClient(endpoint, timeoutMs, socket), bastion);
    } catch (error) {
      bastion.end();
      throw error instanceof SshError
        ? error
        : new SshError(
            `the bastion cannot reach ${endpoint.host}:${endpoint.port}: ${messageOf(error)}`,
            "until the deadline",
            { cause: error },
          );
    }
  }

  /**
   * Runs a command in the user's shell.
   *
   * @throws SshError when the connection breaks or the command takes longer than `timeoutMs`
   */
  async run(command: string, options: { timeoutMs: number; stdin?: string }): Promise<CommandResult> {
    const { timeoutMs, stdin } = options;
    const problem = `a command on the host did not end within ${timeoutMs / 1000} s`;
    const watch = new Watch(timeoutMs, problem, () => this.close());
    try {
      const { channel, ended } = await this.#exec(command, watch);
      channel.end(stdin);
      return await watch.limit(ended);
    } finally {
      watch.stop();
    }
  }

  /**
   * Runs a command in the user's shell that takes a stream.
   *
   * @param onProgress told how many bytes of the stream have gone out
   * @throws SshError when the connection breaks or takes nothing for `idleTimeoutMs`
   */
  async feed(
    command: string,
    source: Readable,
    options: { idleTimeoutMs: number; onProgress: (bytes: number) => void },
  ): Promise<CommandResult> {
    const { idleTimeoutMs, onProgress } = options;
    const problem = `the host took nothing for ${idleTimeoutMs / 1000} s`;
    const watch = new Watch(idleTimeoutMs, problem, () => this.close());
    let bytes = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        watch.restart();
        onProgress(bytes);
        done(null, chunk);
      },
    });
    try {
      const { channel, ended } = await this.#exec(command, watch);
      // A command that ends early says why itself.
      const fed = pipeline(source, counter, channel).catch(() => {});
      const result = await watch.limit(ended);
      source.destroy();
      await fed;
      return result;
    } finally {
      source.destroy();
      watch.stop();
    }
  }

  async #exec(command: string, watch: Watch): Promise<RunningCommand> {
    const begun = new Promise<RunningCommand>((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        // What breaks shows as the end of the command, without an exit code.
        channel.on("error", () => {});
        resolve({ channel, ended: endOf(channel) });
      });
    });
    try {
      return await watch.limit(Promise.race([begun, this.#broken]));
    } catch (error) {
      if (error instanceof SshError) throw error;
      throw new SshError(`the host runs no command: ${messageOf(error)}`, "never", { cause: error });
    }
  }

  /** Opens a TCP connection from the host to one of its own ports, and hands it over as a stream. */
  openPort(port: number, address = "127.0.0.1"): Promise<Duplex> {
    return forward(this.#client, address, port);
  }

  close(): void {
    this.#client.end();
    this.#bastion?.end();
  }
}

interface RunningCommand {
  readonly channel: ssh2.ClientChannel;
  readonly ended: Promise<CommandResult>;
}

/** Bounds the time of one command. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  readonly #late: Promise<never>;

  /** @param problem what is wrong when the time is over */
  constructor(timeoutMs: number, problem: string, onExpiry: () => void) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.#late = promise;
    this.#timer = setTimeout(() => {
      reject(new SshError(problem, "never"));
      onExpiry();
    }, timeoutMs);
  }

  restart(): void {
    this.#timer.refresh();
  }

  /** @throws SshError when the time is over first */
  limit<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#late]);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function endOf(channel: ssh2.ClientChannel): Promise<CommandResult> {
  const stdout = collect(channel);
  const stderr = collect(channel.stderr);
  let code: number | undefined;
  channel.on("exit", (exitCode: number | null) => (code = exitCode ?? undefined));
  return new Promise((resolve) => {
    channel.on("close", () => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    if (bytes < outputLimitBytes) chunks.push(chunk.subarray(0, outputLimitBytes - bytes));
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function forward(client: ssh2.Client, host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      if (error) reject(error);
      else resolve(channel);
    });
  });
}

function connectClient(endpoint: SshEndpoint, timeoutMs: number, socket?: Duplex): Promise<ssh2.Client> {
  const where = describeEndpoint(endpoint);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let offeredKey: string | undefined;
    client.once("connect", () => client.setNoDelay());
    client.once("ready", () => {
      resolve(client);
    });
    // One try may fail more than once, such as by a time-out and then by what comes late all the same: the first counts. A
    // connection that breaks later shows in the operation that is under way, as a closed channel.
    client.on("error", (error: Error & { level?: string }) => {
      client.end();
      if (offeredKey !== undefined) {
        reject(
          new SshError(
            `the host key of ${where} is not the expected one: it offers "${offeredKey}". ` +
              "If the host was set up anew, put its new key into hostKey; otherwise somebody may be in between",
            "never",
            { cause: error },
          ),
        );
      } else if (error.level === "client-authentication") {
        reject(
          new SshError(
            `${where} refuses the credentials: check user, privateKey, password and the host's authorized_keys`,
            "never",
            { cause: error },
          ),
        );
      } else if (/no matching host key format/i.test(error.message)) {
        reject(
          new SshError(
            `${where} has no host key of the type ${endpoint.hostKey?.type ?? "asked for"}: ` +
              "see which it has with ssh-keyscan, and put one of them into hostKey",
            "never",
            { cause: error },
          ),
        );
      } else {
        const retry =
          (error as NodeJS.ErrnoException).code === "ENOTFOUND" ? "briefly" : "until the deadline";
        reject(new SshError(`${where} cannot be reached: ${messageOf(error)}`, retry, { cause: error }));
      }
    });
    try {
      client.connect({
        host: endpoint.host,
        port: endpoint.port,
        username: endpoint.user,
        readyTimeout: timeoutMs,
        keepaliveInterval: 10_000,
        keepaliveCountMax: 3,
        ...(socket && { sock: socket }),
        ...(endpoint.privateKey && { privateKey: endpoint.privateKey }),
        ...(endpoint.privateKeyPassword && { passphrase: endpoint.privateKeyPassword }),
        ...(endpoint.password && { password: endpoint.password }),
        ...(endpoint.agentSocketPath && { agent: endpoint.agentSocketPath }),
        ...(endpoint.hostKey && {
          // Pins the algorithm, so that a host with several keys shows the one that is known.
          algorithms: { serverHostKey: [endpoint.hostKey.type as ssh2.ServerHostKeyAlgorithm] },
          hostVerifier: (key: Buffer) => {
            if (key.toString("base64") === endpoint.hostKey?.base64) return true;
            offeredKey = `${key.toString("latin1", 4, 4 + key.readUInt32BE(0))} ${key.toString("base64")}`;
            return false;
          },
        }),
      });
    } catch (error) {
      // ssh2 throws for a private key that it cannot read, before it dials.
      reject(new SshError(`cannot log in to ${where}: ${messageOf(error)}`, "never", { cause: error }));
    }
  });
}
