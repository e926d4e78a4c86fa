import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { errorCode, joinHostPort, systemErrorText } from "./go-text.ts";
import type { HostKey } from "./ssh-keys.ts";

/** Who logs in, and who has to be at the other end. */
export interface Login {
  readonly user: string;
  readonly hostKey?: HostKey;
  readonly privateKey?: ssh2.ParsedKey;
  readonly password?: string;
  readonly agentSocketPath?: string;
}

/**
 * Time for the SSH handshake and the login: as long as OpenSSH gives its clients before it hangs up (LoginGraceTime).
 * The official program sets no bound.
 */
const handshakeTimeoutMs = 120_000;

/** A connection on which nothing comes back for this long is taken for dead. */
const keepaliveIntervalMs = 30_000;
const keepaliveCountMax = 10;

/**
 * Shakes hands over a stream and logs in. The stream is closed when that fails.
 *
 * @throws Error with the text of the official program
 */
export function handshake(
  stream: Duplex,
  login: Login,
  signal: AbortSignal,
  timeoutMs = handshakeTimeoutMs,
): Promise<ssh2.Client> {
  if (stream.destroyed || !stream.writable) {
    return Promise.reject(new Error("ssh: handshake failed: EOF"));
  }
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const { tried, handler } = authentication(login);
    const reading = readingFrom(stream);
    let hostKeyMismatch = false;
    let offeredHostKeys = "";

    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      // A connection that breaks later shows in the operation under way; this keeps it from being unhandled.
      client.removeAllListeners("error").on("error", () => client.end());
      client.removeAllListeners("close");
      act();
    };
    const fail = (reason: string) => {
      settle(() => {
        client.end();
        stream.destroy();
        reject(new Error(`ssh: handshake failed: ${reason}`));
      });
    };
    const abandon = () =>
      settle(() => {
        client.end();
        stream.destroy();
        reject(signal.reason as Error);
      });
    const timer = setTimeout(() => fail(`${reading}: i/o timeout`), timeoutMs);
    if (signal.aborted) {
      abandon();
      return;
    }
    signal.addEventListener("abort", abandon, { once: true });

    client.once("ready", () => settle(() => resolve(client)));
    client.once("close", () => fail("EOF"));
    client.once("error", (error: Error & { level?: string; code?: unknown }) => {
      if (hostKeyMismatch) fail("ssh: host key mismatch");
      else if (error.level === "client-authentication") fail(authenticationText(tried));
      else if (/no matching host key format/i.test(error.message)) {
        fail(
          `ssh: no common algorithm for host key; we offered: [${login.hostKey?.type ?? ""}], ` +
            `peer offered: [${offeredHostKeys.replaceAll(",", " ")}]`,
        );
      } else fail(handshakeErrorText(error, reading));
    });
    try {
      client.connect({
        sock: stream,
        username: login.user,
        readyTimeout: 0,
        keepaliveInterval: keepaliveIntervalMs,
        keepaliveCountMax,
        authHandler: handler,
        // What the server offers is told in no other way.
        debug: (message) => {
          offeredHostKeys =
            /^Handshake: \(remote\) Host key format: (.*)$/.exec(message)?.[1] ?? offeredHostKeys;
        },
        ...(login.hostKey && {
          algorithms: { serverHostKey: [login.hostKey.type as ssh2.ServerHostKeyAlgorithm] },
          hostVerifier: (key: Buffer) => {
            hostKeyMismatch = !key.equals(login.hostKey?.blob ?? Buffer.alloc(0));
            return !hostKeyMismatch;
          },
        }),
      });
    } catch (error) {
      fail((error as Error).message);
    }
  });
}

function authenticationText(tried: readonly string[]): string {
  return `ssh: unable to authenticate, attempted methods [${tried.join(" ")}], no supported methods remain`;
}

/**
 * Which method to try next: each kind once, in the order of key, password, keyboard and agent, as far as the server
 * takes it. With a private key the agent is never asked, being of the same kind.
 */
function authentication(login: Login): { tried: string[]; handler: ssh2.AuthHandlerMiddleware } {
  const { user: username, privateKey, password, agentSocketPath } = login;
  const methods: { kind: string; attempt: ssh2.AnyAuthMethod }[] = [
    ...(privateKey
      ? [{ kind: "publickey", attempt: { type: "publickey", username, key: privateKey } as const }]
      : []),
    ...(password !== undefined
      ? [
          { kind: "password", attempt: { type: "password", username, password } as const },
          {
            kind: "keyboard-interactive",
            attempt: {
              type: "keyboard-interactive",
              username,
              prompt: (
                _name: string,
                _instructions: string,
                _language: string,
                prompts: readonly unknown[],
                finish: (answers: string[]) => void,
              ) => finish(prompts.map(() => password)),
            } as const,
          },
        ]
      : []),
    ...(agentSocketPath !== undefined
      ? [{ kind: "publickey", attempt: { type: "agent", username, agent: agentSocketPath } as const }]
      : []),
  ];
  const tried: string[] = [];
  let current = "none";
  const handler = (
    accepted: string[] | null,
    partialSuccess: boolean | null,
    next: (attempt: ssh2.AnyAuthMethod | false) => void,
  ): void => {
    if (accepted === null) {
      next({ type: "none", username });
      return;
    }
    if (!partialSuccess && !tried.includes(current)) tried.push(current);
    const method = methods.find(({ kind }) => !tried.includes(kind) && accepted.includes(kind));
    if (method) current = method.kind;
    next(method?.attempt ?? false);
  };
  return { tried, handler: handler as ssh2.AuthHandlerMiddleware };
}

function handshakeErrorText(error: Error & { level?: string; code?: unknown }, reading: string): string {
  // A disconnect message of the server has its reason as the code.
  if (typeof error.code === "number") return `ssh: disconnect, reason ${error.code}: ${error.message}`;
  if (errorCode(error) !== undefined) return `${reading}: read: ${systemErrorText(error)}`;
  if (/Connection lost before handshake/i.test(error.message)) return "EOF";
  if (/line too long|lines exceeded/i.test(error.message)) return "ssh: overflow reading version string";
  return `ssh: ${error.message}`;
}

/** How the official program names a read, with both ends; taken while they are known. */
function readingFrom(stream: Duplex): string {
  const { localAddress, localPort = 0, remoteAddress = "", remotePort = 0 } = stream as Socket;
  if (localAddress === undefined) return "read";
  return `read tcp ${joinHostPort(localAddress, localPort)}->${joinHostPort(remoteAddress, remotePort)}`;
}
