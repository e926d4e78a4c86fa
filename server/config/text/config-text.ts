import { atOnce, type Steps } from "../../turns.ts";
import { clip, ConfigSyntaxError, unescape } from "./config-lines.ts";
import type { ConfigDocument, ConfigFolder, ConfigItem, ConfigNode } from "./config-node.ts";
import { SharedLines } from "./shared-lines.ts";
import { mostPlainEntries, TextFolder } from "./text-folder.ts";

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
export const configLimits = {
  /** Size of a file; thousands of users with certificates stay below it. */
  bytes: 64 * 1024 * 1024,
  /** Folders inside one another, the root among them. The official server's go six deep. */
  depth: 64,
} as const;

/** Bytes that are read at once: what is made of so few is gone before the engine counts it among the objects that stay. */
const partBytes = 16 * 1024;

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
  for (let at = 0; at < bytes.length || at === 0; at += partBytes) {
    if (at > 0) yield;
    const part = bytes.subarray(at, at + partBytes);
    const isLast = at + partBytes >= bytes.length;
    let text: string;
    try {
      text = decoder.decode(part, { stream: !isLast });
    } catch {
      throw new ConfigSyntaxError(1, "the file is not text in UTF-8");
    }
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      parser.line(rest + text.slice(from, end));
      rest = "";
      from = end + 1;
    }
    rest += text.slice(from);
  }
  parser.line(rest);
  return parser.document();
}

interface OpenFolder {
  readonly name: string;
  readonly children: ConfigNode[];
  readonly line: number;
  /** Folders among the children. */
  folders: number;
}

class Parser {
  readonly #items = new SharedLines<ConfigItem>();
  #number = 0;
  readonly #header: string[] = [];
  readonly #open: OpenFolder[] = [];
  #declared: { name: string; line: number } | undefined;
  #root: ConfigFolder | undefined;

  line(line: string): void {
    this.#line(line.endsWith("\r") ? line.slice(0, -1) : line, ++this.#number);
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

  /** The entries of a list that gets long become text while it is read, so that the trees of all are never there at once. */
  #add(child: ConfigFolder, parent: OpenFolder): void {
    const depth = this.#open.length;
    const asEntry = (node: ConfigNode) =>
      node.kind === "folder" ? TextFolder.inList(node, parent.folders, depth) : node;
    parent.children.push(child);
    parent.folders++;
    if (parent.folders <= mostPlainEntries) return;
    const first = parent.folders === mostPlainEntries + 1 ? 0 : parent.children.length - 1;
    for (let index = first; index < parent.children.length; index++) {
      parent.children[index] = asEntry(parent.children[index] as ConfigNode);
    }
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
      this.#open.push({ ...this.#declared, children: [], folders: 0 });
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
      else this.#add(closed, parent);
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
