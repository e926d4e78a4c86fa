/** Where in a text something is: both count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Why a text is no JSON; it tells the place and none of the content. */
export class JsonTextError extends Error {
  override readonly name = "JsonTextError";
  readonly position: TextPosition;

  constructor(position: TextPosition) {
    super(`is no JSON: see line ${position.line}, column ${position.column}`);
    this.position = position;
  }
}

/**
 * Reads JSON. The messages of JSON.parse quote what they stumble over, which may be a secret, and do not always tell where it is.
 *
 * @throws JsonTextError
 */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const before = text.slice(0, errorOffset(text)).split(/\r\n|\n|\r/);
    throw new JsonTextError({ line: before.length, column: (before.at(-1) ?? "").length + 1 });
  }
}

/** White space, then a token: punctuation, a text, or a number or word (RFC 8259). */
const tokens =
  // eslint-disable-next-line no-control-regex -- control characters are what no text may hold
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** What may come next. `first-…` is what may come after an opening bracket, where it may be closed at once. */
type Expected = "value" | "first-value" | "name" | "first-name" | "colon" | "comma";

/** Offset of the first character that no JSON can have there. */
function errorOffset(text: string): number {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let offset = 0;
  for (;;) {
    tokens.lastIndex = offset;
    const [, punctuation, string] = tokens.exec(text) ?? [];
    const token = punctuation ?? (string === undefined ? "scalar" : "string");
    const next: Expected | undefined = tokens.lastIndex === 0 ? undefined : follow(expected, open, token);
    if (next === undefined) return offset + text.slice(offset).search(/[^ \t\n\r]|$/);
    expected = next;
    offset = tokens.lastIndex;
  }
}

/** Takes a token in; `undefined` when it may not be there. */
function follow(expected: Expected, open: ("{" | "[")[], token: string): Expected | undefined {
  const inside = open.at(-1);
  switch (token) {
    case "{":
    case "[":
      if (expected !== "value" && expected !== "first-value") return undefined;
      open.push(token);
      return token === "{" ? "first-name" : "first-value";
    case "}":
    case "]": {
      const [bracket, first] = token === "}" ? ["{", "first-name"] : ["[", "first-value"];
      if (inside !== bracket || (expected !== "comma" && expected !== first)) return undefined;
      open.pop();
      return "comma";
    }
    case ":":
      return expected === "colon" ? "value" : undefined;
    case ",":
      if (expected !== "comma" || inside === undefined) return undefined;
      return inside === "{" ? "name" : "value";
    case "string":
      if (expected === "name" || expected === "first-name") return "colon";
      return expected === "value" || expected === "first-value" ? "comma" : undefined;
    default:
      return expected === "value" || expected === "first-value" ? "comma" : undefined;
  }
}
