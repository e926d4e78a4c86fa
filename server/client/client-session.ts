import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { blockLimits, sessionLimits } from "../limits.ts";
import { BlockDecoder, blockHeaderBytes, encodeKeepAlive } from "../wire/block-stream.ts";
import { decodeHello } from "../wire/hello.ts";
import { encodePackRequest } from "../wire/pack-message.ts";
import { Pack } from "../wire/pack.ts";
import { nameOfProtocolError } from "../wire/protocol-error.ts";
import { hashPassword, secureResponse } from "../wire/sha0.ts";
import { encodeSignatureRequest } from "../wire/signature.ts";
import { decodeAnswer, PackExchange } from "./pack-exchange.ts";

/** Who logs in, and where to. */
export interface ClientAccount {
  readonly hubName: string;
  readonly userName: string;
  readonly password: string;
  /** SHA-256 of the certificate (DER) that the server must show, in upper-case hexadecimal with colons; any when it is left out. */
  readonly fingerprint?: string;
  /** The session is to bridge or route: more than one station is behind it. */
  readonly bridgeMode?: boolean;
}

/** What the session has to say. None of these may throw. */
export interface ClientSessionEvents {
  /** Takes frames: the blocks of `buffer` from `start` to `end`, as a `HubPort` gets them. The buffer is valid during the call only. */
  frames(buffer: Buffer, start: number, end: number, frames: number): void;
  /** The session is over; called once, whoever ended it. */
  ended(reason: string): void;
}

/**
 * A VPN session with a server, seen from the client: one encrypted connection that carries frames both ways.
 *
 * It is what a cascade connection is made of; there is no other connection to come back by, so that it ends with its connection.
 */
export class ClientSession {
  /** As the server calls it, such as `SID-ALICE-1`. */
  readonly name: string;
  readonly #tls: TLSSocket;
  readonly #events: ClientSessionEvents;
  readonly #timeoutMs: number;
  readonly #keepAlives: NodeJS.Timeout;
  #lastHeard = performance.now();
  #reason = "the server closed the connection";

  private constructor(tls: TLSSocket, welcome: Pack, rest: Buffer, events: ClientSessionEvents) {
    this.#tls = tls;
    this.#events = events;
    this.name = welcome.str("session_name");
    const { least, most } = sessionLimits.timeoutSeconds;
    this.#timeoutMs = Math.min(Math.max(welcome.int("timeout"), least * 1000), most * 1000);
    const decoder = new BlockDecoder({
      frameBytes: blockLimits.frameBytes,
      sink: {
        alive: () => void (this.#lastHeard = performance.now()),
        oversized: () => {},
        blocks: (buffer, start, end, frames) => this.#events.frames(buffer, start, end, frames),
      },
    });
    const receive = (chunk: Buffer) => {
      const fault = decoder.receive(chunk);
      if (fault !== undefined) this.#fail(`the server sent what is no frame (${fault})`);
    };
    this.#keepAlives = setInterval(() => this.#tick(), this.#timeoutMs / 4);
    tls.on("error", (error: Error) => {
      this.#reason = error.message;
    });
    tls.once("close", () => {
      clearInterval(this.#keepAlives);
      this.#events.ended(this.#reason);
    });
    tls.on("data", receive);
    if (rest.length > 0) receive(rest);
    tls.resume();
  }

  /**
   * Logs in over a stream to a listener, which is destroyed when that fails.
   *
   * @throws Error that names what the server refused, or what is wrong with the connection
   */
  static async open(
    stream: Duplex,
    account: ClientAccount,
    events: ClientSessionEvents,
  ): Promise<ClientSession> {
    try {
      const tls = await encrypt(stream);
      const shown = tls.getPeerX509Certificate()?.fingerprint256;
      if (account.fingerprint !== undefined && shown !== account.fingerprint) {
        throw new Error(`the server shows the certificate ${shown}, and not the expected one`);
      }
      const exchange = new PackExchange(tls);
      const answer = await exchange.ask(encodeSignatureRequest("vpnserver"));
      const hello = decodeAnswer(() => decodeHello(answer));
      const login = loginPack(account, hello.random);
      const welcome = await exchange.ask(encodePackRequest(login, { host: "vpnserver", date: new Date() }));
      const error = welcome.int("error");
      if (error !== 0) {
        throw new Error(`the server refused the login: ${nameOfProtocolError(error) ?? `error ${error}`}`);
      }
      if (!welcome.has("session_key")) throw new Error("the server answered the login with no session");
      if (!welcome.bool("use_encrypt")) throw new Error("the server would not encrypt the session");
      return new ClientSession(tls, welcome, exchange.takeRest(), events);
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Sends one Ethernet frame; false when more waits than the connection takes, and the frame was dropped. */
  send(frame: Uint8Array): boolean {
    if (this.#tls.writableLength > sessionLimits.queueBytes) return false;
    const header = Buffer.alloc(2 * blockHeaderBytes);
    header.writeUInt32BE(1, 0);
    header.writeUInt32BE(frame.length, blockHeaderBytes);
    this.#tls.write(Buffer.concat([header, frame]));
    return true;
  }

  /** Ends the session. */
  close(): void {
    this.#fail("closed");
  }

  #tick(): void {
    if (performance.now() - this.#lastHeard > this.#timeoutMs) {
      this.#fail("the server has not been heard of");
      return;
    }
    this.#tls.write(encodeKeepAlive(randomBytes(blockHeaderBytes)));
  }

  #fail(reason: string): void {
    this.#reason = reason;
    this.#tls.destroy();
  }
}

function encrypt(stream: Duplex): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket: stream, rejectUnauthorized: false, minVersion: "TLSv1.2" });
    stream.on("error", reject);
    tls.once("error", reject);
    tls.once("close", () => reject(new Error("the connection was closed during the TLS handshake")));
    tls.once("secureConnect", () => {
      tls.on("error", () => {});
      resolve(tls);
    });
  });
}

function loginPack(
  { hubName, userName, password, bridgeMode = false }: ClientAccount,
  challenge: Uint8Array,
): Pack {
  const [product, version, build] = ["SoftEther VPN Client", 501, 9674];
  return new Pack()
    .addStr("method", "login")
    .addStr("hubname", hubName)
    .addStr("username", userName)
    .addInt("protocol", 0)
    .addInt("authtype", 1)
    .addData("secure_password", secureResponse(hashPassword(password, userName), challenge))
    .addStr("hello", product)
    .addInt("version", version)
    .addInt("build", build)
    .addStr("client_str", product)
    .addInt("client_ver", version)
    .addInt("client_build", build)
    .addInt("client_id", 0)
    .addInt("max_connection", 1)
    .addBool("use_encrypt", true)
    .addBool("use_compress", false)
    .addBool("half_connection", false)
    .addBool("qos", false)
    .addBool("require_bridge_routing_mode", bridgeMode)
    .addBool("require_monitor_mode", false)
    .addData("unique_id", randomBytes(20));
}
