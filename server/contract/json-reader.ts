/** Bounds of what a reader takes. */
const limits = { textCharacters: 65_536, listItems: 100_000 } as const;

/** A member of JSON is not what it has to be. No message repeats a value. */
export class MalformedJsonError extends Error {
  override readonly name = "MalformedJsonError";

  /** @param path of the member; empty for the whole */
  constructor(path: string, needed: string) {
    super(`${path || "the JSON"} is not ${needed}`);
  }
}

/**
 * Takes what JSON.parse gave for what it has to be.
 *
 * @param path of the value, for messages
 * @throws MalformedJsonError
 */
export type Reader<T> = (value: unknown, path: string) => T;

/** For a member that may be left out. */
export interface OptionalReader<T> {
  readonly ifThere: Reader<T>;
}

/** A reader for each member; the type of the object holds it complete. */
export type MemberReaders<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalReader<Exclude<T[K], undefined>>
    : Reader<T[K]>;
};

export function optional<T>(ifThere: Reader<T>): OptionalReader<T> {
  return { ifThere };
}

/** An object with these members; others are left out. */
export function objectOf<T extends object>(readers: MemberReaders<T>): Reader<T> {
  const entries = Object.entries<Reader<unknown> | OptionalReader<unknown>>(readers);
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new MalformedJsonError(path, "an object");
    }
    const members = value as Readonly<Record<string, unknown>>;
    const known = entries.flatMap(([name, reader]): [string, unknown][] => {
      const member = Object.hasOwn(members, name) ? members[name] : undefined;
      const memberPath = path === "" ? name : `${path}.${name}`;
      if (typeof reader === "function") return [[name, reader(member, memberPath)]];
      return member === undefined ? [] : [[name, reader.ifThere(member, memberPath)]];
    });
    return Object.fromEntries(known) as T;
  };
}

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > limits.listItems) {
      throw new MalformedJsonError(path, `a list of at most ${limits.listItems} items`);
    }
    return value.map((item: unknown, index) => read(item, `${path}[${index}]`));
  };
}

export function nullOr<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

/** One of some words, or of the values true and false. */
export function oneOf<const T extends string | boolean>(...allowed: readonly T[]): Reader<T> {
  return (value, path) => {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw new MalformedJsonError(path, allowed.map(String).join(" or "));
    return found;
  };
}

export const trueOrFalse = oneOf(true, false);

export const text: Reader<string> = (value, path) => {
  if (typeof value === "string" && value.length <= limits.textCharacters) return value;
  throw new MalformedJsonError(path, `a text of at most ${limits.textCharacters} characters`);
};

/** @param needed what it is that the pattern matches */
export function textLike(pattern: RegExp, needed: string): Reader<string> {
  return (value, path) => {
    if (typeof value === "string" && value.length <= limits.textCharacters && pattern.test(value))
      return value;
    throw new MalformedJsonError(path, needed);
  };
}

export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) {
      return value as number;
    }
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new MalformedJsonError(path, `a whole number, ${range}`);
  };
}

export const tcpPort = integer(1, 65_535);
export const sha256 = textLike(/^[0-9a-f]{64}$/, "a SHA-256 in lower-case hexadecimal");
/** Of a certificate, as Node.js writes it. */
export const fingerprint = textLike(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/, "a SHA-256 fingerprint");
export const pem = textLike(/^-----BEGIN CERTIFICATE-----\r?\n/, "a certificate in PEM");
// eslint-disable-next-line no-control-regex -- control bytes are what no path of ours holds
export const absolutePath = textLike(/^(\/|[A-Za-z]:\\)[^\u0000-\u001f\u007f]*$/, "an absolute path");
