import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { wordsOf } from "../error-words.ts";
import { decodeHello, type Hello } from "../wire/hello.ts";
import { encodeSignatureRequest } from "../wire/signature.ts";
import { decodeAnswer, PackExchange } from "./pack-exchange.ts";

/** What a VPN server told of itself in the handshake. */
export interface ProbeResult {
  /** Product string, such as `pulumi-vpnserver 0.1.0`. */
  readonly product: string;
  /** Protocol version, major * 100 + minor, such as 501. */
  readonly version: number;
  readonly build: number;
  /** Such as `TLSv1.3`. */
  readonly tlsVersion: string;
  /** Such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** SHA-256 of the server's certificate (DER), in upper-case hexadecimal with colons. */
  readonly certificateFingerprint: string;
  /** From the signature sent to the hello received. */
  readonly roundTripMs: number;
}

/** The part of the handshake that failed. */
export type ProbeStage = "connect" | "tls" | "http" | "hello";

/** The handshake failed: `stage` tells how far it came, the message why. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
  readonly stage: ProbeStage;

  constructor(stage: ProbeStage, message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}

/**
 * Does the handshake of a VPN client with a listener, up to the server's hello: TLS over the stream that `open` brings,
 * the signature, the answer. The certificate is not verified (it is self-signed) but its fingerprint is returned.
 *
 * The stream may be any byte stream to the listener, such as a TCP socket or a channel of an SSH connection. It is
 * destroyed before the promise settles.
 *
 * @param options.timeoutMs bound on everything, `open` included
 * @throws {ProbeError}
 */
export async function probeListener(
  open: () => Promise<Duplex>,
  options: { timeoutMs: number },
): Promise<ProbeResult> {
  const { timeoutMs } = options;
  const probe = new Probe();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(probe.error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([probe.run(open), deadline]);
  } finally {
    clearTimeout(timer);
    probe.destroy();
  }
}

/** Opens a TCP connection to hand to {@link probeListener}; rejects with the socket's error, or after `timeoutMs`. */
export function openTcp(host: string, port: number, timeoutMs: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: timeoutMs });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("timeout", () =>
      fail(new Error(`no connection to ${host} port ${port} within ${timeoutMs} ms`)),
    );
    socket.once("connect", () => {
      socket.off("error", fail).removeAllListeners("timeout").setTimeout(0);
      resolve(socket);
    });
  });
}

/** One handshake and the streams it holds. */
class Probe {
  #stage: ProbeStage = "connect";
  #stream: Duplex | undefined;
  #tls: TLSSocket | undefined;
  #destroyed = false;

  error(problem: string, cause?: unknown): ProbeError {
    return new ProbeError(this.#stage, problem, { cause });
  }

  destroy(): void {
    this.#destroyed = true;
    this.#tls?.destroy();
    this.#stream?.destroy();
  }

  async run(open: () => Promise<Duplex>): Promise<ProbeResult> {
    try {
      const stream = await open();
      // Errors reach us through TLS; one that comes after the end must not end the process.
      stream.on("error", () => {});
      this.#stream = stream;
      if (this.#destroyed) {
        stream.destroy();
        throw this.error("opened too late");
      }
      this.#stage = "tls";
      const tls = await this.#encrypt(stream);
      // Asked before the hello: of a connection that the server closes after it, nothing can be asked.
      const tlsVersion = tls.getProtocol() ?? "unknown";
      const cipher = tls.getCipher().standardName;
      const certificateFingerprint = tls.getPeerX509Certificate()?.fingerprint256 ?? "";
      this.#stage = "http";
      const sentAt = performance.now();
      const hello = await this.#hello(tls);
      const roundTripMs = performance.now() - sentAt;
      return {
        product: hello.product,
        version: hello.version,
        build: hello.build,
        tlsVersion,
        cipher,
        certificateFingerprint,
        roundTripMs,
      };
    } catch (error) {
      throw error instanceof ProbeError ? error : this.error(wordsOf(error), error);
    }
  }

  #encrypt(stream: Duplex): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const tls = connectTls({ socket: stream, rejectUnauthorized: false, minVersion: "TLSv1.2" });
      this.#tls = tls;
      tls.on("error", reject);
      tls.once("close", () => reject(new Error("the connection was closed during the TLS handshake")));
      tls.once("secureConnect", () => resolve(tls));
    });
  }

  async #hello(tls: TLSSocket): Promise<Hello> {
    const pack = await new PackExchange(tls).ask(encodeSignatureRequest("vpnserver"));
    this.#stage = "hello";
    return decodeAnswer(() => decodeHello(pack));
  }
}
