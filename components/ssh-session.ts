import type { Duplex } from "node:stream";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { describeEndpoint, type SshConnection, type SshEndpoint } from "./connection.ts";

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
  /** Whether another try may succeed: the host may still be starting. A wrong key will stay wrong. */
  readonly retriable: boolean;

  constructor(message: string, retriable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.retriable = retriable;
  }
}

/** Upper bound on what is kept of one command's output, per stream. */
const outputLimitBytes = 1024 * 1024;
const dialTimeoutMs = 15_000;
const retryDelayMs = 1_000;

/** One SSH connection to a host, with the host key verified, by way of the bastion where there is one. */
export class SshSession {
  readonly #client: ssh2.Client;
  readonly #bastion: ssh2.Client | undefined;

  private constructor(client: ssh2.Client, bastion: ssh2.Client | undefined) {
    this.#client = client;
    this.#bastion = bastion;
  }

  /**
   * Connects, and tries again until the deadline while the host may still be starting. Refused credentials and a wrong
   * host key fail at once.
   *
   * @throws SshError
   */
  static async connect(connection: SshConnection, options: { deadlineMs: number }): Promise<SshSession> {
    const end = Date.now() + options.deadlineMs;
    for (;;) {
      try {
        return await SshSession.#dial(connection);
      } catch (error) {
        if (!(error instanceof SshError) || !error.retriable || Date.now() + retryDelayMs >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
      }
    }
  }

  static async #dial(connection: SshConnection): Promise<SshSession> {
    const { bastion: bastionEndpoint, ...endpoint } = connection;
    if (!bastionEndpoint) return new SshSession(await connectClient(endpoint), undefined);
    const bastion = await connectClient(bastionEndpoint);
    try {
      const socket = await forward(bastion, endpoint.host, endpoint.port);
      return new SshSession(await connectClient(endpoint, socket), bastion);
    } catch (error) {
      bastion.end();
      throw error instanceof SshError
        ? error
        : new SshError(
            `the bastion cannot reach ${endpoint.host}:${endpoint.port}: ${messageOf(error)}`,
            true,
            {
              cause: error,
            },
          );
    }
  }

  /**
   * Runs a command in the user's shell.
   *
   * @throws SshError when the connection breaks or the command takes longer than `timeoutMs`
   */
  run(command: string, options: { timeoutMs: number; stdin?: string }): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const fail = (message: string, cause?: unknown) => {
        clearTimeout(timer);
        reject(new SshError(message, false, { cause }));
      };
      const timer = setTimeout(() => {
        fail(`a command on the host did not end within ${options.timeoutMs / 1000} s`);
        this.close();
      }, options.timeoutMs);
      this.#client.exec(command, (error, channel) => {
        if (error) {
          fail(`the host runs no command: ${error.message}`, error);
          return;
        }
        const stdout = collect(channel);
        const stderr = collect(channel.stderr);
        let code: number | undefined;
        channel.on("exit", (exitCode: number | null) => (code = exitCode ?? undefined));
        channel.end(options.stdin);
        channel.on("close", () => {
          clearTimeout(timer);
          resolve({ code, stdout: stdout(), stderr: stderr() });
        });
      });
    });
  }

  /**
   * Copies a file to the host. It has its name there only once it is whole.
   *
   * @param remotePath relative to the user's home
   * @throws SshError
   */
  async upload(localPath: string, remotePath: string): Promise<void> {
    try {
      const sftp = await promisify(this.#client.sftp.bind(this.#client))();
      await promisify(sftp.fastPut.bind(sftp))(localPath, `${remotePath}.part`);
      await promisify(sftp.ext_openssh_rename.bind(sftp))(`${remotePath}.part`, remotePath);
      sftp.end();
    } catch (error) {
      throw new SshError(`the host does not take the upload: ${messageOf(error)}`, false, { cause: error });
    }
  }

  /** Opens a TCP connection from the host to one of its own ports, and hands it over as a stream. */
  openPort(port: number): Promise<Duplex> {
    return forward(this.#client, "127.0.0.1", port);
  }

  close(): void {
    this.#client.end();
    this.#bastion?.end();
  }
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

function connectClient(endpoint: SshEndpoint, socket?: Duplex): Promise<ssh2.Client> {
  const where = describeEndpoint(endpoint);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let offeredKey: string | undefined;
    client.once("ready", () => {
      client.removeAllListeners("error");
      // A connection that breaks later shows in the operation that is under way, as a closed channel.
      client.on("error", () => client.end());
      resolve(client);
    });
    client.once("error", (error: Error & { level?: string }) => {
      client.end();
      if (offeredKey !== undefined) {
        reject(
          new SshError(
            `the host key of ${where} is not the expected one: it offers "${offeredKey}". ` +
              "If the host was set up anew, put its new key into hostKey; otherwise somebody may be in between",
            false,
            { cause: error },
          ),
        );
      } else if (error.level === "client-authentication") {
        reject(
          new SshError(
            `${where} refuses the credentials: check user, privateKey, password and the host's authorized_keys`,
            false,
            { cause: error },
          ),
        );
      } else if (/no matching host key format/i.test(error.message)) {
        reject(
          new SshError(
            `${where} has no host key of the type ${endpoint.hostKey?.type ?? "asked for"}: ` +
              "see which it has with ssh-keyscan, and put one of them into hostKey",
            false,
            { cause: error },
          ),
        );
      } else {
        reject(new SshError(`${where} cannot be reached: ${messageOf(error)}`, true, { cause: error }));
      }
    });
    try {
      client.connect({
        host: endpoint.host,
        port: endpoint.port,
        username: endpoint.user,
        readyTimeout: dialTimeoutMs,
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
      reject(new SshError(`cannot log in to ${where}: ${messageOf(error)}`, false, { cause: error }));
    }
  });
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error
    ? error.message || String((error as NodeJS.ErrnoException).code)
    : String(error);
}
