import type { ConfigComment, ConfigFolder, ConfigItem, ConfigNode } from "./config-node.ts";

/** The text is not in the format: names the line, counted from 1. */
export class ConfigSyntaxError extends Error {
  override readonly name = "ConfigSyntaxError";
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.line = line;
  }
}

/** A name or value as a word of a line. */
export function escape(text: string): string {
  if (text === "") return "$";
  return text.replace(
    // eslint-disable-next-line no-control-regex -- control characters are what is escaped
    /[\x00-\x20$]/g,
    (character) => `$${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/**
 * What a word of a line stands for.
 *
 * @throws {ConfigSyntaxError}
 */
export function unescape(word: string, line: number): string {
  if (word === "$") return "";
  if (!word.includes("$")) return detached(word);
  // An escape stands for a byte, not for a character.
  const bytes = Buffer.from(word).toString("latin1");
  const resolved = bytes.replace(/\$(..?)?/gs, (escaped, digits: string | undefined) => {
    if (digits === undefined || !/^[0-9A-Fa-f]{2}$/.test(digits)) {
      throw new ConfigSyntaxError(
        line,
        `"${clip(escaped)}" is no escape: "$" and two hexadecimal digits expected`,
      );
    }
    return String.fromCharCode(Number.parseInt(digits, 16));
  });
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(resolved, "latin1"));
  } catch {
    throw new ConfigSyntaxError(line, `"${clip(word)}" is not text in UTF-8`);
  }
}

/** The beginning of a text, for a message. */
export function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/** From this length on the engine makes a part of a text refer to the whole instead of copying it. */
const leastSliced = 13;

/** The same text, which does not keep the long one in memory that it was cut out of. */
export function detached(text: string): string {
  return text.length < leastSliced ? text : Buffer.from(text).toString();
}

export const lineEnd = "\r\n";

/** The line of an item or a comment. */
export function lineOf(node: ConfigItem | ConfigComment, indent: string): string {
  return node.kind === "comment"
    ? `${indent}${node.text}${lineEnd}`
    : `${indent}${node.type} ${escape(node.name)} ${escape(node.value)}${lineEnd}`;
}

/** The lines that a folder begins with. */
export function beginOf({ name }: ConfigFolder, indent: string): string {
  return `${indent}declare ${escape(name)}${lineEnd}${indent}{${lineEnd}`;
}

/** The line that a folder ends with. */
export function endOf(indent: string): string {
  return `${indent}}${lineEnd}`;
}

/** The empty line between what stands before a folder in the same one, and the folder; none between two folders. */
export function gapBetween(former: ConfigNode["kind"] | undefined): string {
  return former === undefined || former === "folder" ? "" : lineEnd;
}
