import { packBeforeLoginLimits } from "../limits.ts";
import { DecodeError } from "./decode-error.ts";
import { bodyLength, type HttpReader, type ResponseHead } from "./http-head.ts";
import { encodeHttpMessage, keepAlive } from "./http-message.ts";
import { decodePack, encodePack, type Pack } from "./pack.ts";

/** Target of every request that carries a PACK. */
export const packTarget = "/vpnsvc/vpn.cgi";

/**
 * Content type of every message that carries a PACK. Official peers compare it whole, in any case of letters; a
 * parameter after it makes them drop the connection.
 */
export const packContentType = "application/octet-stream";

/** Encodes the HTTP request that carries a PACK to the server. */
export function encodePackRequest(pack: Pack, options: { host: string; date: Date }): Buffer {
  return encodeHttpMessage(
    `POST ${packTarget} HTTP/1.1`,
    [
      ["Date", options.date.toUTCString()],
      ["Host", options.host],
      ...keepAlive,
      ["Content-Type", packContentType],
    ],
    encodePack(pack),
  );
}

/** Encodes the HTTP response that carries a PACK to the client. */
export function encodePackResponse(pack: Pack, options: { date: Date }): Buffer {
  return encodeHttpMessage(
    "HTTP/1.1 200 OK",
    [["Date", options.date.toUTCString()], ...keepAlive, ["Content-Type", packContentType]],
    encodePack(pack),
  );
}

/**
 * Reads the response that carries a PACK, with the client's checks of `Mayaqua/HTTP.c` HttpClientRecv.
 *
 * @returns undefined until the whole response has come in
 * @throws {DecodeError} for anything else than a PACK with status 200
 */
export class PackResponseReader {
  readonly #http: HttpReader;
  #head: ResponseHead | undefined;

  constructor(http: HttpReader) {
    this.#http = http;
  }

  read(): Pack | undefined {
    this.#head ??= this.#http.readResponseHead();
    if (this.#head === undefined) return undefined;
    const { status, headers } = this.#head;
    if (status !== 200) throw new DecodeError("HTTP status", 0, `${status} instead of 200`);
    const contentType = headers.get("content-type") ?? "none";
    if (contentType.toLowerCase() !== packContentType) {
      throw new DecodeError("HTTP Content-Type", 0, `${contentType} instead of ${packContentType}`);
    }
    const length = bodyLength(headers) ?? 0;
    if (length < 1 || length > packBeforeLoginLimits.bytes) {
      throw new DecodeError(
        "HTTP Content-Length",
        0,
        `${length}; 1 to ${packBeforeLoginLimits.bytes} are allowed`,
      );
    }
    const body = this.#http.readBody(length);
    if (body === undefined) return undefined;
    this.#head = undefined;
    return decodePack(body, packBeforeLoginLimits);
  }
}
