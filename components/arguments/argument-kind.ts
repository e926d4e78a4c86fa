/** What the value of an argument must be; one table of them tells the check of the components and the stack's configuration. */
export type ArgumentKind = (
  | { readonly type: "text" }
  | { readonly type: "boolean" }
  | { readonly type: "integer"; readonly least: number; readonly most: number; readonly needed?: string }
  | { readonly type: "choice"; readonly allowed: readonly string[] }
  | { readonly type: "ports" }
  /** A path on the host. */
  | { readonly type: "path" }
  | { readonly type: "texts" }
  /** Has a check of its own. */
  | { readonly type: "hubs" }
  | { readonly type: "endpoint" }
) & {
  /** Its value is in no message, and a stack keeps it as a secret. */
  readonly secret?: true;
};

/** Arguments by their names. */
export type ArgumentKinds = Readonly<Record<string, ArgumentKind>>;

/** What a resource's Output gives when it is put into a text as it is. */
const unresolvedOutput = "Calling [toString] on an [Output<T>]";
/** Longer texts are not repeated in messages, and may be something else than they should. */
const longestRepeated = 100;

/**
 * Everything that is wrong with a value, judged by its kind alone: path, what it is, what is needed. A value that is left out is never
 * wrong; neither is `null`, by which some languages say so.
 */
export function kindProblems(path: string, value: unknown, kind: ArgumentKind): string[] {
  if (isLeftOut(value)) return [];
  const is = `${path} is ${describeValue(value, kind.secret)}`;
  switch (kind.type) {
    case "text":
      return textProblem(value, kind.secret).map((problem) => `${is}: ${problem}`);
    case "path":
      return pathProblem(value).map((problem) => `${is}: ${problem}`);
    case "boolean": {
      const quoted = value === "true" || value === "false" ? ", without quotes" : "";
      return typeof value === "boolean" ? [] : [`${is}: true or false is needed${quoted}`];
    }
    case "integer":
      return isIntegerIn(value, kind) ? [] : [`${is}: ${neededInteger(value, kind)}`];
    case "choice": {
      const known = kind.allowed.some((allowed) => allowed === value);
      return known ? [] : [`${is}: one of ${kind.allowed.map((text) => `"${text}"`).join(", ")} is needed`];
    }
    case "ports":
      return portsProblems(path, value);
    case "texts":
      if (!Array.isArray(value)) return [`${is}: a list of texts is needed`];
      return value.flatMap((item, index) => elementProblems(`${path}[${index}]`, item, { type: "text" }));
    case "hubs":
      return Array.isArray(value) ? [] : [`${is}: a list of hubs is needed, such as [{ name: "DEFAULT" }]`];
    case "endpoint":
      return isObject(value) ? [] : [`${is}: an object with host and hostKey is needed`];
  }
}

/** Whether an argument counts as not given. */
export function isLeftOut(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Something with named members, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for messages: short texts and numbers as they are; of all others, which may hold a secret, only what they are. */
export function describeValue(value: unknown, secret?: true): string {
  if (isLeftOut(value)) return "missing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return value instanceof Date ? "a Date" : "an object";
  if (typeof value === "string") return describeText(value, secret);
  const isPlain = typeof value === "number" || typeof value === "boolean" || typeof value === "bigint";
  return isPlain && !secret ? String(value) : `a ${typeof value}`;
}

function describeText(text: string, secret?: true): string {
  if (text === "") return "empty";
  if (text.includes(unresolvedOutput)) return "a resource's Output that was put into a text";
  const mayBeOther = text.length > longestRepeated || /[\r\n]/.test(text);
  return secret || mayBeOther ? "a text" : JSON.stringify(text);
}

function textProblem(value: unknown, secret?: true): string[] {
  if (typeof value !== "string") {
    if (typeof value !== "number" && typeof value !== "boolean") return ["a text is needed"];
    return [`a text is needed, in quotes${secret ? "" : `: "${value}"`}`];
  }
  if (value === "") return ["give it a value, or leave it out"];
  if (value.includes(unresolvedOutput)) return ["join texts and Outputs with pulumi.interpolate"];
  return value.includes("\0") ? ["a text without zero bytes is needed"] : [];
}

function pathProblem(value: unknown): string[] {
  if (typeof value !== "string" || value.includes(unresolvedOutput)) return textProblem(value);
  // eslint-disable-next-line no-control-regex -- control bytes are what it looks for
  return /^(\/|~\/)[^\u0000-\u001f\u007f]+$/.test(value)
    ? []
    : ["a path on the host that begins with / or ~/ is needed"];
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly needed?: string;
}

function isIntegerIn(value: unknown, { least, most }: Range): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function neededInteger(value: unknown, range: Range): string {
  const { least, most, needed = "a whole number" } = range;
  const quoted = typeof value === "string" && isIntegerIn(Number(value || NaN), range);
  return `${needed} from ${least} to ${most} is needed${quoted ? `, without quotes: ${Number(value)}` : ""}`;
}

/** Of TCP ports. */
export const portKind = { type: "integer", least: 1, most: 65_535, needed: "a TCP port" } as const;

function portsProblems(path: string, value: unknown): string[] {
  if (!Array.isArray(value)) {
    const numbers = typeof value === "string" ? value.split(/[\s,]+/).map(Number) : [value];
    const meant = numbers.every((port) => isIntegerIn(port, portKind)) ? numbers : [443];
    return [
      `${path} is ${describeValue(value)}: a list of TCP ports is needed, such as [${meant.join(", ")}]`,
    ];
  }
  if (value.length === 0) {
    return [
      `${path} is an empty list: a server without a listener serves nobody; leave ${path} out to keep what the host has`,
    ];
  }
  return value.flatMap((port, index) => elementProblems(`${path}[${index}]`, port, portKind));
}

/** An element of a list cannot be left out. */
function elementProblems(path: string, value: unknown, kind: ArgumentKind): string[] {
  if (!isLeftOut(value)) return kindProblems(path, value, kind);
  return [`${path} is ${String(value)}: take it out of the list`];
}
