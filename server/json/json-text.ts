import { rpcLimits } from "../limits.ts";
import type { Steps } from "../turns.ts";
import { isDeeperThan } from "./json-depth.ts";

/**
 * JSON in steps, with what the runtime has for it: it reads and writes tens of megabytes in one go, which takes most of a second. So
 * lists and objects that are long are taken apart here, and the runtime gets their short parts.
 */

/** What is read or written in one step, in bytes or characters. */
const stepSize = 64 * 1024;
/** Items of a list that are written in one step. */
const stepItems = 64;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [listBegin, listEnd, objectBegin, objectEnd] = [0x5b, 0x5d, 0x7b, 0x7d];
const newline = 0x0a;

/** Characters from which a text is left in its parts: to join them would take long, and so would all that is done with the whole. */
const longestText = 2 * 1024 * 1024;

/** Items of a long list that are made when they are written: all of them at once would be a million objects for the garbage collector. */
export class ItemsToCome<T> {
  readonly items: readonly T[];
  readonly make: (item: T) => unknown;

  constructor(items: readonly T[], make: (item: T) => unknown) {
    this.items = items;
    this.make = make;
  }
}

/** A text that is longer than all but a file, in parts. */
export class LongText {
  readonly parts: readonly string[];

  constructor(parts: readonly string[]) {
    this.parts = parts;
  }
}

/**
 * Reads JSON in UTF-8; with the results of `JSON.parse`, but a {@link LongText} for a text of more than 2 Mi characters.
 *
 * @throws {SyntaxError} for anything else, and for what is nested deeper than `rpcLimits.jsonDepth`, or twice that where it is long
 */
export function* parseJsonInSteps(bytes: Buffer): Steps<unknown> {
  const reader = new JsonReader(bytes);
  const value = yield* reader.value(0);
  reader.end();
  return value;
}

class JsonReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  end(): void {
    this.#skipBlanks();
    if (this.#at < this.#bytes.length) this.#fail();
  }

  *value(depth: number): Steps<unknown> {
    this.#skipBlanks();
    const end = this.#endOfShort();
    if (end !== undefined) return this.#parse(end);
    yield;
    if (depth === rpcLimits.jsonDepth) this.#fail();
    const first = this.#bytes[this.#at];
    if (first === listBegin) return yield* this.#list(depth);
    if (first === objectBegin) return yield* this.#object(depth);
    return first === quote ? yield* this.#longText() : this.#fail();
  }

  *#list(depth: number): Steps<unknown[]> {
    const values: unknown[] = [];
    let stepAt = this.#at;
    do {
      this.#at++;
      values.push(yield* this.value(depth + 1));
      if (this.#at - stepAt > stepSize) {
        yield;
        stepAt = this.#at;
      }
      this.#skipBlanks();
    } while (this.#bytes[this.#at] === comma);
    this.#take(listEnd);
    return values;
  }

  *#object(depth: number): Steps<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    let stepAt = this.#at;
    do {
      this.#at++;
      this.#skipBlanks();
      if (this.#bytes[this.#at] !== quote) this.#fail();
      const name = this.#parse(this.#endOfShort() ?? this.#fail()) as string;
      this.#skipBlanks();
      this.#take(colon);
      entries.push([name, yield* this.value(depth + 1)]);
      if (this.#at - stepAt > stepSize) {
        yield;
        stepAt = this.#at;
      }
      this.#skipBlanks();
    } while (this.#bytes[this.#at] === comma);
    this.#take(objectEnd);
    return Object.fromEntries(entries);
  }

  /** A text in parts, none of which ends within an escape or within a character. */
  *#longText(): Steps<string | LongText> {
    const parts: string[] = [];
    let characters = 0;
    const bytes = this.#bytes;
    let from = this.#at + 1;
    for (let at = from; ; at++) {
      const byte = bytes[at];
      if (byte === undefined) this.#fail();
      const isLong = at - from >= stepSize;
      if (byte === quote || (isLong && byte < 0x80)) {
        const part = JSON.parse(`"${bytes.toString("utf8", from, at)}"`) as string;
        parts.push(part);
        characters += part.length;
        from = at;
        if (byte === quote) break;
        yield;
      }
      if (byte === backslash) at += bytes[at + 1] === 0x75 ? 5 : 1;
    }
    this.#at = from + 1;
    return characters > longestText ? new LongText(parts) : parts.join("");
  }

  #parse(end: number): unknown {
    const text = this.#bytes.subarray(this.#at, end);
    if (isDeeperThan(text, rpcLimits.jsonDepth)) this.#fail();
    const value: unknown = JSON.parse(text.toString("utf8"));
    this.#at = end;
    return value;
  }

  /** Where the value ends that begins here; undefined for one that is longer than a step. What it is judges the runtime. */
  #endOfShort(): number | undefined {
    const bytes = this.#bytes;
    const limit = Math.min(bytes.length, this.#at + stepSize);
    let depth = 0;
    let at = this.#at;
    for (; at < limit; at++) {
      switch (bytes[at] ?? 0) {
        case quote:
          for (at++; at < limit && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++;
          if (depth === 0 && at < limit) return at + 1;
          break;
        case listBegin:
        case objectBegin:
          depth++;
          break;
        case listEnd:
        case objectEnd:
          if (depth === 0) return at;
          if (--depth === 0) return at + 1;
          break;
        case comma:
        case colon:
          if (depth === 0) return at;
          break;
        default:
      }
    }
    return limit === bytes.length ? limit : undefined;
  }

  #skipBlanks(): void {
    while (isBlank(this.#bytes[this.#at])) this.#at++;
  }

  #take(byte: number): void {
    if (this.#bytes[this.#at] !== byte) this.#fail();
    this.#at++;
  }

  #fail(): never {
    throw new SyntaxError(`no JSON at byte ${this.#at}`);
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
}

/** What `JSON.stringify` gives, in parts, in UTF-8; a buffer is a text in base64. */
export function* formatJsonInSteps(value: unknown): Steps<readonly Buffer[]> {
  const parts: Buffer[] = [];
  let text = "";
  for (const piece of piecesOf(value)) {
    text += piece;
    if (text.length < stepSize) continue;
    parts.push(Buffer.from(text));
    text = "";
    yield;
  }
  return [...parts, Buffer.from(text)];
}

function* piecesOf(value: unknown): Generator<string> {
  if (typeof value === "string" && value.length > stepSize) yield* piecesOfText(value);
  else if (Buffer.isBuffer(value)) yield* piecesOfBytes(value);
  else if (Array.isArray(value)) yield* piecesOfList(value, (item) => item);
  else if (value instanceof ItemsToCome) yield* piecesOfList(value.items, value.make);
  else if (typeof value === "object" && value !== null) {
    let between = "{";
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${between}${JSON.stringify(name)}:`;
      yield* piecesOf(member);
      between = ",";
    }
    yield between === "{" ? "{}" : "}";
  } else yield JSON.stringify(value);
}

function* piecesOfList<T>(list: readonly T[], make: (item: T) => unknown): Generator<string> {
  yield "[";
  for (let at = 0; at < list.length; at += stepItems) {
    const items = JSON.stringify(list.slice(at, at + stepItems).map(make)).slice(1, -1);
    yield at === 0 ? items : `,${items}`;
  }
  yield "]";
}

function* piecesOfBytes(bytes: Buffer): Generator<string> {
  yield '"';
  // Of three bytes each four characters.
  const pieceBytes = (stepSize / 4) * 3;
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    yield bytes.toString("base64", from, from + pieceBytes);
  }
  yield '"';
}

function* piecesOfText(text: string): Generator<string> {
  yield '"';
  for (let from = 0; from < text.length;) {
    let to = from + stepSize;
    // Both halves of a character in one part.
    if ((text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to++;
    yield JSON.stringify(text.slice(from, to)).slice(1, -1);
    from = to;
  }
  yield '"';
}
