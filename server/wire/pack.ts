import { packNameLimit, packProtocolLimits, type PackLimits } from "../limits.ts";
import { atOnce, type Steps } from "../turns.ts";
import { DecodeError } from "./decode-error.ts";

/** Values of one PACK element; all of one type, at least one. */
export type PackValues =
  | { readonly type: "int"; readonly values: readonly number[] }
  | { readonly type: "data"; readonly values: readonly Uint8Array[] }
  | { readonly type: "str"; readonly values: readonly string[] }
  | { readonly type: "unistr"; readonly values: readonly string[] }
  | { readonly type: "int64"; readonly values: readonly bigint[] };

type PackType = PackValues["type"];

interface PackElement {
  /** Name as written by the sender; lookup ignores case. */
  readonly name: string;
  readonly content: PackValues;
}

/** Type numbers on the wire, by position. */
const typesByNumber: readonly PackType[] = ["int", "data", "str", "unistr", "int64"];

/** Smallest encoded value of each type: a fixed number, or an empty one's length field. */
const smallestValueBytes: Record<PackType, number> = { int: 4, data: 4, str: 4, unistr: 4, int64: 8 };

/** Name length, a name of one byte, type, number of values, one value of four bytes. */
const smallestElementBytes = 4 + 1 + 4 + 4 + 4;

/**
 * A PACK: the named, typed lists of values that every SoftEther message before the data phase consists of.
 *
 * The accessors follow the protocol: a name that is not there, an element of another type and an index behind the last
 * value all read as "not there", that is as 0, empty or undefined. Names are told apart without regard to case.
 */
export class Pack {
  readonly #elements = new Map<string, PackElement>();

  /** Elements in the order in which they were added. */
  elements(): Iterable<PackElement> {
    return this.#elements.values();
  }

  /** Number of elements. */
  get size(): number {
    return this.#elements.size;
  }

  has(name: string): boolean {
    return this.#elements.has(name.toLowerCase());
  }

  /**
   * Adds an element and returns the PACK, for chains.
   *
   * @throws {RangeError} for what the wire cannot carry: a name twice, no value, a number out of range, a NUL in a text
   */
  add(name: string, content: PackValues): this {
    atOnce(this.addInSteps(name, content));
    return this;
  }

  /** Like {@link add}: there may be thousands of values to look at. */
  *addInSteps(name: string, content: PackValues): Steps<void> {
    checkName(name);
    if (this.has(name)) throw new RangeError(`PACK element "${name}": the name is there already`);
    if (content.values.length === 0 || content.values.length > packProtocolLimits.valuesPerElement) {
      throw new RangeError(`PACK element "${name}": ${content.values.length} values; 1 or more are allowed`);
    }
    let checked = 0;
    for (const value of content.values) {
      checkValue(name, content.type, value);
      if (++checked % valuesPerStep === 0) yield;
    }
    this.addDecoded(name, content);
  }

  /** Adds what was read from the wire, which can carry nothing else: to look at each of 65,536 values again takes long. */
  addDecoded(name: string, content: PackValues): this {
    this.#elements.set(name.toLowerCase(), { name, content });
    return this;
  }

  /** Adds one unsigned 32-bit number. */
  addInt(name: string, value: number): this {
    return this.add(name, { type: "int", values: [value] });
  }

  addBool(name: string, value: boolean): this {
    return this.addInt(name, value ? 1 : 0);
  }

  /** Adds one unsigned 64-bit number. */
  addInt64(name: string, value: bigint): this {
    return this.add(name, { type: "int64", values: [value] });
  }

  /** Adds a text of type STR. */
  addStr(name: string, value: string): this {
    return this.add(name, { type: "str", values: [value] });
  }

  /** Adds a text of type UNISTR. */
  addUniStr(name: string, value: string): this {
    return this.add(name, { type: "unistr", values: [value] });
  }

  /** Adds bytes; the PACK keeps a view of them. */
  addData(name: string, value: Uint8Array): this {
    return this.add(name, { type: "data", values: [value] });
  }

  /** Number of values of an element, 0 when it is not there. */
  count(name: string): number {
    return this.#elements.get(name.toLowerCase())?.content.values.length ?? 0;
  }

  /** An unsigned 32-bit number, 0 when it is not there. */
  int(name: string, index = 0): number {
    const content = this.#elements.get(name.toLowerCase())?.content;
    return (content?.type === "int" ? content.values[index] : undefined) ?? 0;
  }

  bool(name: string, index = 0): boolean {
    return this.int(name, index) !== 0;
  }

  /** An unsigned 64-bit number, 0 when it is not there. */
  int64(name: string, index = 0): bigint {
    const content = this.#elements.get(name.toLowerCase())?.content;
    return (content?.type === "int64" ? content.values[index] : undefined) ?? 0n;
  }

  /** A text of type STR, empty when it is not there. */
  str(name: string, index = 0): string {
    const content = this.#elements.get(name.toLowerCase())?.content;
    return (content?.type === "str" ? content.values[index] : undefined) ?? "";
  }

  /** A text of type UNISTR, empty when it is not there. */
  uniStr(name: string, index = 0): string {
    const content = this.#elements.get(name.toLowerCase())?.content;
    return (content?.type === "unistr" ? content.values[index] : undefined) ?? "";
  }

  /** Bytes, a view of what was decoded, or undefined when they are not there. */
  data(name: string, index = 0): Uint8Array | undefined {
    const content = this.#elements.get(name.toLowerCase())?.content;
    return content?.type === "data" ? content.values[index] : undefined;
  }
}

/**
 * Encodes a PACK. All integers are big-endian:
 *
 *     PACK    := u32 elements, ELEMENT*
 *     ELEMENT := u32 (name length + 1), name without NUL, u32 type, u32 values, VALUE*
 *     VALUE   := INT u32 | INT64 u64 | DATA, STR u32 size, bytes | UNISTR u32 size, UTF-8 bytes and a NUL, both counted
 *
 * Source: `Mayaqua/Pack.c` WritePack.
 *
 * @throws {RangeError} beyond the limits of the protocol
 */
export function encodePack(pack: Pack): Buffer {
  return atOnce(encodePackInSteps(pack));
}

/**
 * Like {@link encodePack}.
 *
 * @param lengthBytes 4 for the length as a `u32` before the PACK
 */
export function* encodePackInSteps(pack: Pack, lengthBytes: 0 | 4 = 0): Steps<Buffer> {
  let size = 4;
  for (const { name, content } of pack.elements()) {
    size += 4 + name.length + 4 + 4 + (yield* sizeOfValues(name, content));
  }
  if (pack.size > packProtocolLimits.elements || size > packProtocolLimits.bytes) {
    throw new RangeError(`PACK of ${pack.size} elements and ${size} bytes is beyond the protocol's limits`);
  }
  const bytes = Buffer.allocUnsafe(lengthBytes + size);
  if (lengthBytes > 0) bytes.writeUInt32BE(size, 0);
  let at = bytes.writeUInt32BE(pack.size, lengthBytes);
  for (const { name, content } of pack.elements()) {
    at = bytes.writeUInt32BE(name.length + 1, at);
    at += bytes.write(name, at, "latin1");
    at = bytes.writeUInt32BE(typesByNumber.indexOf(content.type), at);
    at = bytes.writeUInt32BE(content.values.length, at);
    at = yield* writeValues(content, bytes, at);
  }
  return bytes;
}

/** Values that are read or written in one step. */
const valuesPerStep = 1024;
/** Bytes of one value that are copied in one step. */
const bytesPerStep = 1 << 20;

/** A NUL is counted with a text of type UNISTR. */
const closingBytes = { data: 0, str: 0, unistr: 1 } as const;

function* sizeOfValues(name: string, { type, values }: PackValues): Steps<number> {
  if (type === "int") return values.length * 4;
  if (type === "int64") return values.length * 8;
  let size = values.length * 4;
  for (let index = 0; index < values.length; index++) {
    if (index % valuesPerStep === valuesPerStep - 1) yield;
    const bytes = sizeOf(values[index] as string | Uint8Array) + closingBytes[type];
    if (bytes > packProtocolLimits.valueBytes) {
      throw new RangeError(
        `PACK element "${name}": a value of ${bytes} bytes is beyond the protocol's limit`,
      );
    }
    size += bytes;
  }
  return size;
}

function sizeOf(value: string | Uint8Array): number {
  return typeof value === "string" ? Buffer.byteLength(value) : value.length;
}

/** @returns where the values end */
function* writeValues({ type, values }: PackValues, bytes: Buffer, start: number): Steps<number> {
  let at = start;
  for (let index = 0; index < values.length; index++) {
    if (index % valuesPerStep === valuesPerStep - 1) yield;
    const value = values[index] as number | bigint | string | Uint8Array;
    if (typeof value === "number") at = bytes.writeUInt32BE(value, at);
    else if (typeof value === "bigint") at = bytes.writeBigUInt64BE(value, at);
    else if (typeof value === "string") {
      const written = bytes.write(value, at + 4);
      const closing = type === "unistr" ? 1 : 0;
      if (closing === 1) bytes[at + 4 + written] = 0;
      at = bytes.writeUInt32BE(written + closing, at) + written + closing;
    } else {
      at = bytes.writeUInt32BE(value.length, at);
      for (let copied = 0; copied < value.length; copied += bytesPerStep) {
        if (copied > 0) yield;
        bytes.set(value.subarray(copied, copied + bytesPerStep), at + copied);
      }
      at += value.length;
    }
  }
  return at;
}

/**
 * Decodes a whole PACK. DATA values are views of `bytes`; bytes behind the last element are ignored, as the official
 * reader does. A text ends at its first NUL, and bytes in it that are no UTF-8 become U+FFFD.
 *
 * Source: `Mayaqua/Pack.c` ReadPack.
 *
 * @throws {DecodeError} for anything that is not a PACK within `limits`
 */
export function decodePack(bytes: Uint8Array, limits: PackLimits): Pack {
  return atOnce(decodePackInSteps(bytes, limits));
}

/** Like {@link decodePack}; the bytes are to stay as they are until it is done. */
export function* decodePackInSteps(bytes: Uint8Array, limits: PackLimits): Steps<Pack> {
  const reader = new PackReader(bytes, limits);
  if (bytes.length > limits.bytes)
    reader.fail("PACK", 0, `${bytes.length} bytes; ${limits.bytes} are allowed`);
  const pack = new Pack();
  const elementCount = reader.count("PACK element count", limits.elements, smallestElementBytes);
  for (let number = 0; number < elementCount; number++) {
    const nameOffset = reader.offset;
    const name = reader.name(`PACK element ${number} name`);
    const field = `PACK element "${name}"`;
    if (pack.has(name)) reader.fail(field, nameOffset, "the name is there twice");
    pack.addDecoded(name, yield* reader.values(field));
  }
  return pack;
}

/** Walks over the bytes of a PACK and compares every length with what is left before anything is made of it. */
class PackReader {
  readonly #bytes: Buffer;
  readonly #limits: PackLimits;
  offset = 0;

  constructor(bytes: Uint8Array, limits: PackLimits) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
  }

  fail(field: string, offset: number, problem: string): never {
    throw new DecodeError(field, offset, problem);
  }

  /** Moves over `size` bytes that must be there and returns where they begin. */
  #advance(field: string, size: number): number {
    const left = this.#bytes.length - this.offset;
    if (size > left) this.fail(field, this.offset, `${size} bytes, but only ${left} are left`);
    const start = this.offset;
    this.offset += size;
    return start;
  }

  #u32(field: string): number {
    return this.#bytes.readUInt32BE(this.#advance(field, 4));
  }

  /** A number of things, of which each takes at least `smallestBytes`. */
  count(field: string, limit: number, smallestBytes: number): number {
    const start = this.offset;
    const count = this.#u32(field);
    if (count > limit) this.fail(field, start, `${count}; ${limit} are allowed`);
    const left = this.#bytes.length - this.offset;
    if (count * smallestBytes > left) this.fail(field, start, `${count}, but only ${left} bytes are left`);
    return count;
  }

  name(field: string): string {
    const start = this.offset;
    const length = this.#u32(field) - 1;
    if (length < 1 || length > packNameLimit)
      this.fail(field, start, `length ${length}; 1 to ${packNameLimit} are allowed`);
    const nameStart = this.#advance(field, length);
    const name = this.#bytes.toString("latin1", nameStart, nameStart + length);
    if (!isName(name)) this.fail(field, nameStart, "not printable ASCII");
    return name;
  }

  *values(field: string): Steps<PackValues> {
    const typeOffset = this.offset;
    const typeNumber = this.#u32(`${field} type`);
    const type = typesByNumber[typeNumber];
    if (type === undefined) this.fail(`${field} type`, typeOffset, `${typeNumber} is unknown`);
    const countOffset = this.offset;
    const count = this.count(`${field} value count`, this.#limits.valuesPerElement, smallestValueBytes[type]);
    if (count === 0)
      this.fail(`${field} value count`, countOffset, "an element without values is not allowed");
    const valueField = `${field} value`;
    const many = function* <T>(read: () => T): Steps<T[]> {
      const values: T[] = [];
      while (values.length < count) {
        values.push(read());
        if (values.length % valuesPerStep === 0) yield;
      }
      return values;
    };
    switch (type) {
      case "int":
        return { type, values: yield* many(() => this.#u32(valueField)) };
      case "int64":
        return { type, values: yield* many(() => this.#bytes.readBigUInt64BE(this.#advance(valueField, 8))) };
      case "data":
        return { type, values: yield* many(() => this.#sized(valueField)) };
      case "str":
      case "unistr":
        return { type, values: yield* many(() => this.#text(valueField)) };
    }
  }

  #sized(field: string): Buffer {
    const start = this.offset;
    const size = this.#u32(`${field} size`);
    if (size > this.#limits.valueBytes) {
      this.fail(`${field} size`, start, `${size}; ${this.#limits.valueBytes} are allowed`);
    }
    const valueStart = this.#advance(field, size);
    return this.#bytes.subarray(valueStart, valueStart + size);
  }

  #text(field: string): string {
    const bytes = this.#sized(field);
    const end = bytes.indexOf(0);
    return bytes.toString("utf8", 0, end === -1 ? bytes.length : end);
  }
}

function isName(name: string): boolean {
  return /^[\x20-\x7e]+$/.test(name);
}

function checkName(name: string): void {
  if (!isName(name) || name.length > packNameLimit) {
    throw new RangeError(
      `PACK element name "${name}": 1 to ${packNameLimit} printable ASCII characters are allowed`,
    );
  }
}

function checkValue(name: string, type: PackType, value: PackValues["values"][number]): void {
  const inRange =
    typeof value === "number"
      ? Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff
      : typeof value === "bigint"
        ? value >= 0n && value <= 0xffff_ffff_ffff_ffffn
        : typeof value === "string"
          ? !value.includes("\0")
          : true;
  if (!inRange)
    throw new RangeError(`PACK element "${name}": the ${type} value is out of range or holds a NUL`);
}
