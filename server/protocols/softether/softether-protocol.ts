import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { handshakeLimits, rpcLimits } from "../../limits.ts";
import type { ClientConnection } from "../../transport/client-connection.ts";
import type { StreamProtocol } from "../../transport/stream-protocol.ts";
import { WebServer, type WebBounds, type WebRequest, type WebResponse } from "../../transport/web-server.ts";
import { productName, protocolVersion } from "../../version.ts";
import { helloRandomBytes } from "../../wire/hello.ts";
import { openByteChannel } from "./byte-channel.ts";
import type { ClientAnswer, ClientRequest, Join } from "./client-request.ts";
import { ServerHandshake } from "./handshake.ts";
import type { ConnectionEvents, SessionConnection } from "./session-connection.ts";

export interface SoftEtherProtocolOptions {
  /** Answers what a client asks for after the hello; see `AnswerRequest`. */
  readonly answerRequest: (request: ClientRequest) => ClientAnswer | Promise<ClientAnswer>;
  /** Answers HTTP requests for the administration. */
  readonly answerWeb: (request: WebRequest) => Promise<WebResponse>;
  /** Instead of those of `server/limits.ts`. */
  readonly bounds?: Partial<WebBounds>;
}

/**
 * SoftEther's SSL-VPN protocol, with the HTTP that it shares its connections with. It is served to whom no other protocol is, because
 * it has an answer for everybody: a page.
 */
export class SoftEtherProtocol implements StreamProtocol {
  readonly name = "SoftEther";
  readonly #options: SoftEtherProtocolOptions;
  readonly #web: WebServer;

  constructor(options: SoftEtherProtocolOptions) {
    this.#options = options;
    this.#web = new WebServer(options.answerWeb, { ...handshakeLimits, ...rpcLimits, ...options.bounds });
  }

  recognizes(): true {
    return true;
  }

  serve(connection: ClientConnection, received: Buffer): void {
    const { name, peer } = connection;
    const challenge = randomBytes(helloRandomBytes);
    const handshake = new ServerHandshake({
      hello: { product: productName, ...protocolVersion, random: challenge },
      answerRequest: (pack) =>
        this.#options.answerRequest({
          pack,
          challenge,
          connectionName: name,
          peer,
          gone: connection.gone,
          canLeaveTls: connection.canLeaveTls,
        }),
      now: () => new Date(),
      actions: {
        send: (bytes) => connection.send(bytes),
        refused: (reason) => connection.refused(reason),
        close: (how) => connection.close(how),
        join: (join, received) => joinSession(connection, join, received),
        administer: (attach, received) =>
          openChannel(connection, connection.handOver("administration"), attach, received),
        web: (received) => {
          const refused = () => connection.refused("login-refused");
          const loggedIn = () => connection.loggedIn();
          const { gone } = connection;
          const events = { name, peerUser: peer.user, gone, refused, loggedIn };
          this.#web.serve(connection.handOver("web"), events, received);
        },
      },
    });
    connection.hear((chunk) => handshake.receive(chunk));
    handshake.receive(received);
  }
}

function joinSession(connection: ClientConnection, join: Join, received: Buffer): void {
  const attach: Join["attach"] = (carrier) => join.attach(carrier);
  if (join.encrypt) openChannel(connection, connection.handOver("session"), attach, received);
  else connection.handOverInClear(received, (socket, all) => openChannel(connection, socket, attach, all));
}

function openChannel(
  connection: ClientConnection,
  socket: Socket,
  attach: (connection: SessionConnection) => ConnectionEvents | undefined,
  received: Buffer,
): void {
  const channel = { name: connection.name, attach, close: () => connection.closeGently(socket) };
  openByteChannel(socket, channel, received);
}
