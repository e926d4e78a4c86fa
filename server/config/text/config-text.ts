import { atOnce, type Steps } from "../../turns.ts";
import { SharedLines } from "./shared-lines.ts";

/**
 * SoftEther's text format for configuration files (`Mayaqua/Cfg.c`): a tree of folders and typed items.
 *
 *     <BOM># comment lines
 *     declare root
 *     {
 *     <tab>uint ConfigRevision 1
 *
 *     <tab>declare ListenerList
 *     <tab>{
 *     <tab>}
 *     }
 *
 * UTF-8 with byte order mark and CRLF. In names and values, control bytes, space and `$` are `$` and two hexadecimal
 * digits; an empty one is `$` alone. The reader takes LF and a missing mark as well. All that it does not know, item types
 * and comments too, is kept.
 */
export interface ConfigDocument {
  /** Lines before the root, comments and blank ones, without their line ends. */
  readonly header: readonly string[];
  readonly root: ConfigFolder;
}

export interface ConfigFolder {
  readonly kind: "folder";
  readonly name: string;
  readonly children: readonly ConfigNode[];
}

export interface ConfigItem {
  readonly kind: "item";
  /** `bool`, `uint`, `uint64`, `string`, `byte` (base64), or one that this version does not know. */
  readonly type: string;
  readonly name: string;
  /** The value's text with escapes resolved. */
  readonly value: string;
}

/** A line of a folder that begins with `#`. */
export interface ConfigComment {
  readonly kind: "comment";
  readonly text: string;
}

export type ConfigNode = ConfigFolder | ConfigItem | ConfigComment;

export const configLimits = {
  /** Size of a file; thousands of users with certificates stay below it. */
  bytes: 64 * 1024 * 1024,
  /** Folders inside one another, the root among them. The official server's go six deep. */
  depth: 64,
} as const;

/** The text is not in the format: names the line, counted from 1. */
export class ConfigSyntaxError extends Error {
  override readonly name = "ConfigSyntaxError";
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.line = line;
  }
}

/** @throws {ConfigSyntaxError} and nothing else */
export function parseConfig(bytes: Uint8Array): ConfigDocument {
  return atOnce(parseConfigInSteps(bytes));
}

/** Like {@link parseConfig}. */
export function* parseConfigInSteps(bytes: Uint8Array): Steps<ConfigDocument> {
  if (bytes.length > configLimits.bytes) {
    throw new ConfigSyntaxError(1, `the file is larger than ${configLimits.bytes} bytes`);
  }
  const parser = new Parser();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for (let at = 0; at < bytes.length || at === 0; at += partCharacters) {
    if (at > 0) yield;
    const part = bytes.subarray(at, at + partCharacters);
    const isLast = at + partCharacters >= bytes.length;
    let text: string;
    try {
      text = decoder.decode(part, { stream: !isLast });
    } catch {
      throw new ConfigSyntaxError(1, "the file is not text in UTF-8");
    }
    const lines = text.split("\n");
    lines[0] = rest + (lines[0] ?? "");
    rest = isLast ? "" : (lines.pop() ?? "");
    for (const line of lines) parser.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
  return parser.document();
}

interface OpenFolder {
  name: string;
  children: ConfigNode[];
  line: number;
}

class Parser {
  readonly #items = new SharedLines<ConfigItem>();
  #number = 0;
  readonly #header: string[] = [];
  readonly #open: OpenFolder[] = [];
  #declared: { name: string; line: number } | undefined;
  #root: ConfigFolder | undefined;

  line(line: string): void {
    this.#line(line, ++this.#number);
  }

  document(): ConfigDocument {
    const unfinished = this.#declared ?? this.#open.at(-1);
    if (unfinished !== undefined) {
      throw new ConfigSyntaxError(
        unfinished.line,
        `the folder ${unfinished.name} that begins here has no end; the file was cut off`,
      );
    }
    if (this.#root === undefined) {
      throw new ConfigSyntaxError(1, 'the file holds no "declare root"');
    }
    return { header: this.#header, root: this.#root };
  }

  #line(line: string, number: number): void {
    // Where an item may stand a line that was one before is the same again.
    const known = this.#declared === undefined ? this.#items.find(line) : undefined;
    const open = this.#open.at(-1);
    if (known !== undefined && open !== undefined) {
      open.children.push(known);
      return;
    }
    const [first = "", second, third, fourth] = line.split(/[ \t]+/).filter((word) => word !== "");
    const folder = this.#open.at(-1);
    if (this.#declared !== undefined) {
      if (first === "") return;
      if (first !== "{" || second !== undefined) {
        throw new ConfigSyntaxError(
          number,
          `"{" expected after the beginning of the folder ${this.#declared.name}`,
        );
      }
      if (this.#open.length === configLimits.depth) {
        throw new ConfigSyntaxError(number, `more than ${configLimits.depth} folders inside one another`);
      }
      this.#open.push({ ...this.#declared, children: [] });
      this.#declared = undefined;
    } else if (first === "" || first.startsWith("#")) {
      if (folder === undefined && this.#root === undefined) this.#header.push(line);
      else if (first !== "") folder?.children.push({ kind: "comment", text: line.trim() });
    } else if (first === "declare") {
      const name = unescape(second ?? "", number);
      if (second === undefined || third !== undefined) {
        throw new ConfigSyntaxError(number, '"declare" takes one name; write a space in it as $20');
      }
      if (folder === undefined && (name !== "root" || this.#root !== undefined)) {
        throw new ConfigSyntaxError(number, `one folder "root" expected at the top, not "${name}"`);
      }
      this.#declared = { name, line: number };
    } else if (folder === undefined) {
      throw new ConfigSyntaxError(number, `"declare root" expected, not "${clip(first)}"`);
    } else if (first === "}" && second === undefined) {
      this.#open.pop();
      const closed: ConfigFolder = { kind: "folder", name: folder.name, children: folder.children };
      const parent = this.#open.at(-1);
      if (parent === undefined) this.#root = closed;
      else parent.children.push(closed);
    } else if (second === undefined || fourth !== undefined) {
      throw new ConfigSyntaxError(
        number,
        `type, name and value expected in "${clip(line.trim())}"; write a space in a value as $20`,
      );
    } else {
      const item: ConfigItem = {
        kind: "item",
        type: first,
        name: unescape(second, number),
        value: unescape(third ?? "$", number),
      };
      folder.children.push(item);
      this.#items.remember(line, item);
    }
  }
}

/** The bytes of a configuration file. Reading them gives the same document again. */
export function formatConfig(document: ConfigDocument): Buffer {
  return Buffer.concat(atOnce(formatConfigInSteps(document)));
}

/** Characters of text that become bytes at once. */
const partCharacters = 64 * 1024;

/** Texts of folders that are long, which stay the same as long as nothing in them changes. */
const longTexts = new WeakMap<ConfigFolder, readonly Buffer[]>();

/** Like {@link formatConfig}, in parts. Of folders that are the same objects as the last time, long texts are not made anew. */
export function* formatConfigInSteps(document: ConfigDocument): Steps<readonly Buffer[]> {
  const text = new TextParts();
  text.add("\uFEFF");
  for (const line of document.header) text.add(`${line}\r\n`);
  yield* formatFolder(document.root, "", text);
  return text.end();
}

function* formatFolder(folder: ConfigFolder, indent: string, to: TextParts): Steps<void> {
  // Folders that hold folders: one item of theirs alone costs little.
  const isKept = indent.length > 0 && folder.children.length >= leastKept;
  const known = isKept ? longTexts.get(folder) : undefined;
  if (known !== undefined) {
    to.addParts(known);
    return;
  }
  const text = isKept ? new TextParts() : to;
  text.add(`${indent}declare ${escape(folder.name)}\r\n${indent}{\r\n`);
  let last: ConfigNode["kind"] | undefined;
  for (const child of folder.children) {
    if (child.kind === "folder") {
      if (last !== undefined && last !== "folder") text.add("\r\n");
      yield* formatFolder(child, `${indent}\t`, text);
    } else if (child.kind === "comment") {
      text.add(`${indent}\t${child.text}\r\n`);
    } else {
      text.add(`${indent}\t${child.type} ${escape(child.name)} ${escape(child.value)}\r\n`);
    }
    last = child.kind;
    if (text.isDue) {
      text.cut();
      yield;
    }
  }
  text.add(`${indent}}\r\n`);
  if (text === to) return;
  const parts = text.end();
  longTexts.set(folder, parts);
  to.addParts(parts);
}

/** Children of a folder whose text is kept; the lists of users and rules have many. */
const leastKept = 256;

/** A text that grows, in bytes. */
class TextParts {
  readonly #parts: Buffer[] = [];
  #text = "";

  get isDue(): boolean {
    return this.#text.length >= partCharacters;
  }

  add(text: string): void {
    this.#text += text;
  }

  addParts(parts: readonly Buffer[]): void {
    this.cut();
    for (const part of parts) this.#parts.push(part);
  }

  cut(): void {
    if (this.#text === "") return;
    this.#parts.push(Buffer.from(this.#text));
    this.#text = "";
  }

  end(): readonly Buffer[] {
    this.cut();
    return this.#parts;
  }
}

/** Whether two names of folders or items are the same: without regard to case (`Mayaqua/Cfg.c` CmpItemName, CmpFolderName). */
export function isSameName(one: string, other: string): boolean {
  return one === other || (one.length === other.length && one.toLowerCase() === other.toLowerCase());
}

/** The first folder of that name. */
export function findFolder(folder: ConfigFolder, name: string): ConfigFolder | undefined {
  return folder.children.find((child) => child.kind === "folder" && isSameName(child.name, name)) as
    ConfigFolder | undefined;
}

/** The first item of that type and name. */
export function findItem(
  folder: ConfigFolder,
  type: "bool" | "uint" | "uint64" | "string" | "byte",
  name: string,
): ConfigItem | undefined {
  return folder.children.find(
    (child) => child.kind === "item" && child.type === type && isSameName(child.name, name),
  ) as ConfigItem | undefined;
}

/** `folder` with `child` in the place of the folder or item of that name, which keeps its case, or at its end. */
export function withChild(folder: ConfigFolder, child: ConfigFolder | ConfigItem): ConfigFolder {
  const children = [...folder.children];
  const index = children.findIndex(
    (other) => other.kind === child.kind && isSameName(other.name, child.name),
  );
  const former = children[index];
  if (former === undefined || former.kind === "comment") children.push(child);
  else children[index] = { ...child, name: former.name };
  return { ...folder, children };
}

function escape(text: string): string {
  if (text === "") return "$";
  return text.replace(
    // eslint-disable-next-line no-control-regex -- control characters are what is escaped
    /[\x00-\x20$]/g,
    (character) => `$${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function unescape(word: string, line: number): string {
  if (word === "$") return "";
  if (!word.includes("$")) return word;
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

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
