import { MalformedJsonError, type Reader } from "./json-reader.ts";

/**
 * Format of the JSON that every command prints with `--json`, by which a component meets a server of another release:
 *
 * - within a format members are only added: a reader leaves alone what it does not know, and a member that came later may be
 *   missing (its type says so);
 * - JSON without `format` is of the releases before there was one, and has the members of format 1;
 * - a member that goes, or means something else, makes the next format. Who knows only the former ones reads nothing of it, and says
 *   which release it is of and what to do. So `format` and `version` stay for good.
 *
 * `install.json` counts its own formats.
 */
export const jsonFormat = 1;

/** What a command prints: one line. */
export function jsonLine(version: string, content: object): string {
  return JSON.stringify({ format: jsonFormat, version, ...content });
}

/** The JSON is of a format that came after this release. */
export class LaterFormatError extends Error {
  override readonly name = "LaterFormatError";

  constructor(command: string, format: number, version: string | undefined) {
    const release = version === undefined ? "a later release" : `release ${version}, which is later`;
    super(
      `the server on the host is of ${release} than this package: "vpnserver ${command}" answers in format ${format}, and format ` +
        `${jsonFormat} is the last one that is known here; update the package pulumi-vpnserver`,
    );
  }
}

/**
 * Makes a parser of what JSON.parse gave of the output of a command. It throws a LaterFormatError, or a MalformedJsonError that names
 * the member.
 */
export function parserOf<T>(command: string, read: Reader<T>): (value: unknown) => T {
  return (value) => {
    const { format = 0, version } = (value ?? {}) as {
      readonly format?: unknown;
      readonly version?: unknown;
    };
    if (typeof format !== "number" || !Number.isSafeInteger(format) || format < 0) {
      throw new MalformedJsonError("format", "a whole number");
    }
    if (format > jsonFormat) throw new LaterFormatError(command, format, nameOf(version));
    return read(value, "");
  };
}

function nameOf(version: unknown): string | undefined {
  return typeof version === "string" && /^[\w.+-]{1,64}$/.test(version) ? version : undefined;
}
