import { httpLimits } from "../limits.ts";
import { ByteQueue } from "./byte-queue.ts";
import { DecodeError } from "./decode-error.ts";

/** Header values by lower-case name, without the blanks around them. */
export type HttpHeaders = ReadonlyMap<string, string>;

export interface RequestHead {
  /** As sent, such as `POST`. */
  readonly method: string;
  /** As sent, such as `/vpnsvc/connect.cgi`. */
  readonly target: string;
  readonly headers: HttpHeaders;
}

export interface ResponseHead {
  /** Such as 200. */
  readonly status: number;
  readonly headers: HttpHeaders;
}

/** A line of a head without its line end, and where it begins. */
interface Line {
  readonly text: string;
  readonly offset: number;
}

const newline = 0x0a;
const requestLine = /^(?<method>[\w!#$%&'*+.^`|~-]+) +(?<target>[\x21-\x7e]+) +HTTP\/1\.[01]$/;
const statusLine = /^HTTP\/1\.[01] +(?<status>[1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
// The blanks around the value are left to withoutBlanks: two parts of one pattern that both take blanks try every way to share them.
const headerLine = /^(?<name>[\w!#$%&'*+.^`|~-]+):(?<value>[\t\x20-\x7e\x80-\xff]*)$/;

/**
 * Reads HTTP/1.1 messages from a byte stream that may be cut anywhere: `push` what comes in, then ask for what is next.
 * Each `read…` answers undefined until its part has come in whole.
 *
 * Only what SoftEther uses is known: a head, then as many bytes as `Content-Length` says. Lines end in CRLF or LF. Heads
 * are bounded by {@link httpLimits}; bodies by the caller, who sees the length before asking for the body.
 *
 * Source: `Mayaqua/HTTP.c` RecvHttpHeader; RFC 9112, sections 2 to 5.
 */
export class HttpReader {
  readonly #queue = new ByteQueue();
  #lines: Line[] = [];
  /** Where the line that is being read begins, and up to where it was searched for its end. */
  #lineStart = 0;
  #searched = 0;

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
  }

  /** The first bytes of the next head, at most `count`, as latin1 text; undefined in the middle of a head that was asked for. */
  peekHead(count: number): string | undefined {
    if (this.#lines.length > 0 || this.#lineStart > 0) return undefined;
    return this.#queue.peekText(0, Math.min(count, this.#queue.length));
  }

  /** @throws {DecodeError} for what is no HTTP request; a wrong first line at once, before the rest has come in */
  readRequestHead(): RequestHead | undefined {
    const head = this.#readHead(requestLine, "HTTP request line");
    return (
      head && {
        method: head.first["method"] ?? "",
        target: head.first["target"] ?? "",
        headers: head.headers,
      }
    );
  }

  /** @throws {DecodeError} for what is no HTTP response; a wrong first line at once, before the rest has come in */
  readResponseHead(): ResponseHead | undefined {
    const head = this.#readHead(statusLine, "HTTP status line");
    return head && { status: Number(head.first["status"]), headers: head.headers };
  }

  /** The next `length` bytes as a copy that the caller owns. */
  readBody(length: number): Buffer | undefined {
    return this.#queue.take(length);
  }

  /** All that came in behind what was read, as a copy that the caller owns. */
  takeRest(): Buffer {
    return this.#queue.take(this.#queue.length) ?? Buffer.alloc(0);
  }

  #readHead(firstLine: RegExp, field: string) {
    for (;;) {
      const line = this.#readLine();
      if (line === undefined) return undefined;
      if (this.#lines.length === 0 && !firstLine.test(line.text)) {
        throw new DecodeError(field, line.offset, "does not follow the format");
      }
      if (line.text === "") {
        const [first, ...headers] = this.#lines;
        this.#queue.skip(this.#lineStart);
        this.#lines = [];
        this.#lineStart = this.#searched = 0;
        return { first: firstLine.exec(first?.text ?? "")?.groups ?? {}, headers: parseHeaders(headers) };
      }
      if (this.#lines.length > httpLimits.headerLines) {
        throw new DecodeError("HTTP head", line.offset, `more than ${httpLimits.headerLines} header lines`);
      }
      this.#lines.push(line);
    }
  }

  #readLine(): Line | undefined {
    const offset = this.#lineStart;
    const found = this.#queue.indexOf(newline, this.#searched);
    const end = found === -1 ? this.#queue.length : found;
    if (end > httpLimits.headBytes) {
      throw new DecodeError("HTTP head", offset, `longer than ${httpLimits.headBytes} bytes`);
    }
    const text = found === -1 ? undefined : this.#queue.peekText(offset, end).replace(/\r$/, "");
    if ((text?.length ?? end - offset - 1) > httpLimits.lineBytes) {
      throw new DecodeError("HTTP line", offset, `longer than ${httpLimits.lineBytes} bytes`);
    }
    this.#searched = found === -1 ? end : end + 1;
    if (text === undefined) return undefined;
    this.#lineStart = end + 1;
    return { text, offset };
  }
}

function parseHeaders(lines: readonly Line[]): HttpHeaders {
  const headers = new Map<string, string>();
  for (const { text, offset } of lines) {
    const { name, value: rest } = headerLine.exec(text)?.groups ?? {};
    if (name === undefined || rest === undefined) {
      throw new DecodeError("HTTP header line", offset, "is not of the form NAME: VALUE");
    }
    const key = name.toLowerCase();
    const value = withoutBlanks(rest);
    if (key === "content-length" && (headers.has(key) || !/^[0-9]{1,20}$/.test(value))) {
      throw new DecodeError("HTTP Content-Length", offset, "is not one decimal number");
    }
    // Of a name that occurs again the first value counts, as in the official parser.
    if (!headers.has(key)) headers.set(key, value);
  }
  return headers;
}

function withoutBlanks(text: string): string {
  const isBlank = (character: string | undefined) => character === " " || character === "\t";
  let [start, end] = [0, text.length];
  while (isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

/**
 * Length of the body that follows a head, in bytes: what `Content-Length` says (exact below 2^53, else too large for any
 * limit), 0 without it, and undefined for a body in a transfer coding, whose end is unknown here.
 */
export function bodyLength(headers: HttpHeaders): number | undefined {
  return headers.has("transfer-encoding") ? undefined : Number(headers.get("content-length") ?? 0);
}
