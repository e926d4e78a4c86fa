import { connect as connectSocket, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type ssh2 from "ssh2";
import { joinHostPort, systemErrorText } from "./go-text.ts";
import { orAborted, type Operation } from "./operation.ts";
import { handshake, type Login } from "./ssh-handshake.ts";
import { parseHostKey, parsePrivateKey } from "./ssh-keys.ts";

/** One SSH server and how to log in to it, with the defaults filled in. */
export interface Endpoint {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly agentSocketPath?: string;
  readonly hostKey?: string;
  /** Failed tries after which to give up; a negative number means never. */
  readonly dialErrorLimit: number;
  /** Seconds for one TCP connection to come up; 0 leaves it to the system. */
  readonly perDialTimeout: number;
}

export interface Connection extends Endpoint {
  readonly proxy?: Endpoint;
}

/** A connection that is logged in. */
export interface SshConnection {
  readonly client: ssh2.Client;
  close(): void;
}

const firstDelayMs = 100;
const delayFactor = 1.5;
const longestDelayMs = 5_000;
const closeGraceMs = 1_000;

/**
 * Dials and logs in, by way of the proxy where there is one, and tries again as often as the connection says: after
 * 0.1 s, then after 1.5 times as long each time, up to 5 s.
 *
 * @throws Error with the text of the official program
 */
export async function openConnection(connection: Connection, operation: Operation): Promise<SshConnection> {
  const { signal } = operation;
  const login = await prepareLogin(connection);
  const { proxy } = connection;
  if (!proxy) {
    const client = await dialWithRetry("Dial", connection.dialErrorLimit, operation, () =>
      dial(connection, login, signal),
    );
    return { client, close: () => closeClient(client) };
  }
  try {
    const proxyLogin = await prepareLogin(proxy);
    const bastion = await dialWithRetry("Dial proxy", proxy.dialErrorLimit, operation, () =>
      dial(proxy, proxyLogin, signal),
    );
    try {
      const stream = await dialWithRetry("Dial from proxy", connection.dialErrorLimit, operation, () =>
        orAborted(signal, forward(bastion, connection)),
      );
      // All tries share the one stream, so none after the first can succeed. The official program does the same.
      const client = await dialWithRetry("Dial", connection.dialErrorLimit, operation, () =>
        handshake(stream, login, signal),
      );
      const close = () => {
        closeClient(client);
        closeClient(bastion);
      };
      return { client, close };
    } catch (error) {
      closeClient(bastion);
      throw error;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Error(`proxy: ${(error as Error).message}`, { cause: error });
  }
}

/** Takes leave of the server, and hangs up on one that does not answer that. */
function closeClient(client: ssh2.Client): void {
  client.end();
  const timer = setTimeout(() => client.destroy(), closeGraceMs);
  client.once("close", () => clearTimeout(timer));
}

/** Everything that can be wrong before a server is asked. */
async function prepareLogin(endpoint: Endpoint): Promise<Login> {
  const { user, password, privateKey, privateKeyPassword, hostKey } = endpoint;
  const agentSocketPath = endpoint.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
  const login = {
    user,
    ...(hostKey !== undefined && { hostKey: parseHostKey(hostKey) }),
    ...(privateKey !== undefined && { privateKey: parsePrivateKey(privateKey, privateKeyPassword) }),
    ...(password !== undefined && { password }),
    ...(agentSocketPath !== undefined && { agentSocketPath }),
  };
  if (agentSocketPath !== undefined) await probeAgent(agentSocketPath);
  return login;
}

/** An agent that does not answer fails the connection even where a private key would do. */
async function probeAgent(path: string): Promise<void> {
  if (path === "") throw new Error("dial unix: missing address");
  await new Promise<void>((resolve, reject) => {
    const socket = connectSocket({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error) =>
      reject(new Error(`dial unix ${path}: connect: ${systemErrorText(error)}`)),
    );
  });
}

async function dialWithRetry<T>(
  what: string,
  errorLimit: number,
  { signal, log }: Operation,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0, delayMs = firstDelayMs; ; failures++, delayMs *= delayFactor) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason as Error;
      if (errorLimit > -1 && failures >= errorLimit) {
        throw new Error(`after ${failures} failed attempts: ${(error as Error).message}`, { cause: error });
      }
      await log.status(`${what} ${failures + 1}/${errorLimit === -1 ? "inf" : errorLimit} failed: retrying`);
    }
    try {
      await delay(Math.min(delayMs, longestDelayMs), undefined, { signal });
    } catch {
      throw signal.reason as Error;
    }
  }
}

async function dial(endpoint: Endpoint, login: Login, signal: AbortSignal): Promise<ssh2.Client> {
  const socket = await orAborted(signal, openSocket(endpoint, signal));
  return handshake(socket, login, signal);
}

function openSocket(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  const { host } = endpoint;
  const port = Math.trunc(endpoint.port);
  if (port < 0 || port > 65535) return Promise.reject(new Error(`dial tcp: address ${port}: invalid port`));
  return new Promise((resolve, reject) => {
    let address = isIP(host) ? host : "";
    const socket = connectSocket({ host: host || "localhost", port });
    const fail = (message: string) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      socket.destroy();
      reject(new Error(message));
    };
    const abandon = () => fail((signal.reason as Error).message);
    const timer =
      endpoint.perDialTimeout > 0
        ? setTimeout(
            () => fail(`dial tcp ${joinHostPort(address || host, port)}: i/o timeout`),
            endpoint.perDialTimeout * 1000,
          )
        : undefined;
    signal.addEventListener("abort", abandon, { once: true });
    socket.once("lookup", (_error, found) => (address = host && found));
    socket.once("connect", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      socket.removeAllListeners("error");
      socket.removeAllListeners("lookup");
      // Until the handshake listens: what breaks in between shows there as the end of the stream.
      socket.on("error", () => {});
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => fail(dialErrorText(error, host, address, port)));
  });
}

function dialErrorText(error: NodeJS.ErrnoException, host: string, address: string, port: number): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    // One error for each address of the host; the first one is what counts.
    return dialErrorText(error.errors[0] as NodeJS.ErrnoException, host, "", port);
  }
  if (error.syscall === "getaddrinfo") {
    const reason = error.code === "ENOTFOUND" ? "no such host" : "server misbehaving";
    return `dial tcp: lookup ${host}: ${reason}`;
  }
  const reached = host && ((error as { address?: string }).address ?? address);
  return `dial tcp ${joinHostPort(reached, port)}: connect: ${systemErrorText(error)}`;
}

const openFailures = [
  "",
  "administratively prohibited",
  "connect failed",
  "unknown channel type",
  "resource shortage",
];

/** Why a server opened no channel. */
export function channelFailureText(error: Error & { reason?: unknown }): string {
  if (typeof error.reason !== "number") return "ssh: unexpected packet in response to channel open: <nil>";
  const description = error.message.replace(/^\(SSH\) Channel open failure: /, "");
  return `ssh: rejected: ${openFailures[error.reason] ?? `unknown reason ${error.reason}`} (${description})`;
}

function forward(bastion: ssh2.Client, target: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const port = Math.trunc(target.port);
    try {
      bastion.forwardOut("0.0.0.0", 0, target.host, port, (error, channel) => {
        if (error) reject(new Error(channelFailureText(error)));
        else resolve(channel);
      });
    } catch {
      reject(new Error("EOF"));
    }
  });
}
