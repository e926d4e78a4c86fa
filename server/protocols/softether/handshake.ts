import { handshakeLimits, packBeforeLoginLimits } from "../../limits.ts";
import type { Join, ClientAnswer } from "./client-request.ts";
import { DecodeError } from "../../wire/decode-error.ts";
import { encodeHello, type Hello } from "../../wire/hello.ts";
import { bodyLength, HttpReader, type RequestHead } from "../../wire/http-head.ts";
import { encodePage, type PageStatus } from "../../wire/http-message.ts";
import { encodePackResponse, packContentType, packTarget } from "../../wire/pack-message.ts";
import { decodePack, Pack } from "../../wire/pack.ts";
import { errorPack, type ProtocolError } from "../../wire/protocol-error.ts";
import { isSignature, isSignatureLength, signatureTarget } from "../../wire/signature.ts";
import type { RefusalReason } from "../../transport/refusals.ts";

/** Answers a request that follows the hello. Fails with a {@link DecodeError} for a PACK that says nonsense. */
export type AnswerRequest = (request: Pack) => ClientAnswer | Promise<ClientAnswer>;

/** What the handshake does to its connection. */
export interface HandshakeActions {
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  /** Counts what was refused. */
  refused(reason: RefusalReason): void;
  /** Ends the connection: gently, so that what was sent arrives, or at once. Nothing is called after this. */
  close(how: "after-sending" | "at-once"): void;
  /** Hands the connection over to its session, with what came in already. Nothing is called after this. */
  join(join: Join, received: Buffer): void;
  /** Hands the connection over to the administration, with what came in already. Nothing is called after this. */
  administer(attach: Administer["attach"], received: Buffer): void;
  /** Hands the connection over to a web server, with all of the request that came in. Nothing is called after this. */
  web(received: Buffer): void;
}

export interface HandshakeOptions {
  /** What the server says of itself, with the challenge of this connection. */
  readonly hello: Hello;
  readonly answerRequest: AnswerRequest;
  readonly now: () => Date;
  readonly actions: HandshakeActions;
}

type Administer = Extract<ClientAnswer, { type: "administer" }>;

/** The first line of a request that the web server answers. */
const webRequest = /^[A-Z]+ \/api[/? ]/;
const webRequestBytes = 64;

/** What a page with this status is counted as. */
const pageReasons: Record<PageStatus, RefusalReason> = {
  403: "http-forbidden",
  404: "http-not-found",
  501: "http-not-implemented",
};

/**
 * The server's side of a connection from the end of the TLS handshake to the answer to the login:
 *
 *     signature --POST connect.cgi, signature--> login --POST vpn.cgi, PACK--> closed, or handed over
 *       |  ^                                      |  ^
 *       +--+ GET: page 403 or 404                 +--+ noop: answered
 *
 * A request for `/api` goes to a web server, with the connection.
 *
 * Everything else ends the connection, with a page where the client speaks HTTP. It owns no socket and no timer: bytes come
 * in by {@link receive}, cut anywhere, and go out by the {@link HandshakeActions}.
 *
 * Source: `Cedar/Protocol.c` ServerAccept, ServerDownloadSignature; `Mayaqua/HTTP.c` HttpServerRecv.
 */
export class ServerHandshake {
  readonly #options: HandshakeOptions;
  readonly #http = new HttpReader();
  #state: "signature" | "login" | "answering" | "closed" = "signature";
  /** The request whose body is being read. */
  #request: { readonly bodyBytes: number } | undefined;
  #requests = 0;
  #noops = 0;
  /** Bytes that came in while the answer was made. */
  #early = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** Takes bytes from the client. Throws nothing, whatever they are; after the end they are ignored. */
  receive(chunk: Uint8Array): void {
    if (this.#state === "closed") return;
    if (this.#state === "answering") {
      this.#early += chunk.length;
      if (this.#early > packBeforeLoginLimits.bytes) {
        this.#refuse("http-requests", "at-once");
        return;
      }
    }
    this.#http.push(chunk);
    try {
      while (this.#step());
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#refuse("http-malformed", "at-once");
    }
  }

  /** Does what the bytes at hand allow; true while there may be more to do. */
  #step(): boolean {
    switch (this.#state) {
      case "signature":
        return this.#request === undefined
          ? this.#readSignatureHead()
          : this.#readSignature(this.#request.bodyBytes);
      case "login":
        return this.#request === undefined ? this.#readPackHead() : this.#readPack(this.#request.bodyBytes);
      case "answering":
      case "closed":
        return false;
    }
  }

  #readSignatureHead(): boolean {
    if (webRequest.test(this.#http.peekHead(webRequestBytes) ?? "")) {
      this.#state = "closed";
      this.#options.actions.web(this.#http.takeRest());
      return false;
    }
    const head = this.#http.readRequestHead();
    if (head === undefined) return false;
    if (++this.#requests > handshakeLimits.requests) return this.#refuse("http-requests", "at-once");
    if (head.method === "GET") return this.#page(head.target === "/" ? 403 : 404, head);
    if (head.method !== "POST") return this.#page(501, head);
    if (head.target !== signatureTarget) return this.#page(404, head);
    const length = bodyLength(head.headers);
    if (length === undefined || !isSignatureLength(length)) return this.#page(403, head);
    this.#request = { bodyBytes: length };
    return true;
  }

  #readSignature(bodyBytes: number): boolean {
    const body = this.#http.readBody(bodyBytes);
    if (body === undefined) return false;
    this.#request = undefined;
    if (!isSignature(body)) return this.#page(403);
    // The hello is the answer to the signature; there is no other.
    this.#sendPack(encodeHello(this.#options.hello));
    this.#state = "login";
    return true;
  }

  #readPackHead(): boolean {
    const head = this.#http.readRequestHead();
    if (head === undefined) return false;
    if (head.method !== "POST") return this.#page(501);
    if (head.target !== packTarget) return this.#page(404);
    const length = bodyLength(head.headers);
    const isPack = head.headers.get("content-type")?.toLowerCase() === packContentType;
    if (!isPack || length === undefined || length < 1 || length > packBeforeLoginLimits.bytes)
      return this.#page(403);
    this.#request = { bodyBytes: length };
    return true;
  }

  #readPack(bodyBytes: number): boolean {
    const body = this.#http.readBody(bodyBytes);
    if (body === undefined) return false;
    this.#request = undefined;
    let pack: Pack;
    try {
      pack = decodePack(body, packBeforeLoginLimits);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#answerError("pack-malformed", "protocol");
    }
    if (pack.int("noop") !== 0) {
      if (++this.#noops > handshakeLimits.noops) return this.#refuse("http-requests", "at-once");
      this.#sendPack(new Pack().addInt("error", 0).addInt("noop", 2));
      return true;
    }
    return this.#answer(pack);
  }

  #answer(request: Pack): false {
    this.#state = "answering";
    try {
      const answer = this.#options.answerRequest(request);
      if (answer instanceof Promise)
        answer.then(
          (late) => this.#finish(late),
          (error) => this.#fail(error),
        );
      else this.#finish(answer);
    } catch (error) {
      this.#fail(error);
    }
    return false;
  }

  #fail(error: unknown): void {
    if (this.#state !== "answering") return;
    if (error instanceof DecodeError) this.#answerError("pack-malformed", "protocol");
    else this.#answerError("method-failed", "internal");
  }

  #finish(answer: ClientAnswer): void {
    if (this.#state !== "answering") return;
    switch (answer.type) {
      case "error":
        this.#sendPack(answer.pack ?? errorPack(answer.error));
        this.#refuse(refusalOf(answer.error), "after-sending");
        return;
      case "reply":
        this.#sendPack(answer.pack);
        this.#state = "closed";
        this.#options.actions.close("after-sending");
        return;
      case "join":
        this.#sendPack(answer.pack);
        this.#state = "closed";
        this.#options.actions.join(answer.join, this.#http.takeRest());
        return;
      case "administer":
        this.#sendPack(answer.pack);
        this.#state = "closed";
        this.#options.actions.administer(answer.attach, this.#http.takeRest());
        return;
    }
  }

  #sendPack(pack: Pack): void {
    this.#options.actions.send(encodePackResponse(pack, { date: this.#options.now() }));
  }

  #answerError(reason: RefusalReason, error: ProtocolError): false {
    this.#sendPack(errorPack(error));
    return this.#refuse(reason, "after-sending");
  }

  /** Answers with a page; the next request is read only where no body of unknown use stands before it. */
  #page(status: PageStatus, head?: RequestHead): boolean {
    const keepOpen = head?.method === "GET" && bodyLength(head.headers) === 0;
    this.#options.actions.send(encodePage(status, { date: this.#options.now(), keepOpen }));
    if (!keepOpen) return this.#refuse(pageReasons[status], "after-sending");
    this.#options.actions.refused(pageReasons[status]);
    return true;
  }

  #refuse(reason: RefusalReason, how: "after-sending" | "at-once"): false {
    this.#state = "closed";
    this.#options.actions.refused(reason);
    this.#options.actions.close(how);
    return false;
  }
}

/** What an error is counted as. */
function refusalOf(error: ProtocolError): RefusalReason {
  if (error === "protocol") return "method-unknown";
  return error === "notSupported" || error === "notFarmController" ? "method-not-supported" : "login-refused";
}
