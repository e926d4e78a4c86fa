import { beginOf, endOf, gapBetween, lineEnd, lineOf, unescape } from "./config-lines.ts";
import type { ConfigFolder, ConfigNode, Renamable } from "./config-node.ts";
import { TextWriter, type TextPlace } from "./text-writer.ts";

/** Folders of a list beyond which each of them is kept as its text. */
export const mostPlainEntries = 64;

/** Characters of a folder that is kept as its text: so much is read each time somebody asks for something in it. */
const mostCharacters = 8192;

/** Where the texts of folders are that were not written to the file yet. */
const home = new TextWriter(() => {});

/**
 * A folder of a long list, such as that of the users or rules, which is kept as the text that it has in the file, outside of the heap. A
 * tree of 130,000 such folders would be two million objects; whenever the engine collects garbage, it looks at each, and the thread waits.
 */
export class TextFolder implements Renamable {
  readonly name: string;
  /** The lines between its braces. */
  #bytes: Buffer;
  #start: number;
  #end: number;
  /** Tabs that its lines begin with. */
  readonly #tabs: number;

  private constructor(name: string, { bytes, start, end }: TextPlace, tabs: number) {
    this.name = name;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#tabs = tabs;
  }

  /**
   * An entry of a list: the folder itself where the list is short or the folder is long.
   *
   * @param entries of the list
   * @param depth folders that the entry is in, the root among them
   */
  static inList(folder: ConfigFolder, entries: number, depth: number): ConfigFolder {
    if (entries <= mostPlainEntries || folder instanceof TextFolder) return folder;
    const text = textWithin(folder.children, depth + 1, mostCharacters);
    return text === undefined ? folder : new TextFolder(folder.name, home.add(text), depth + 1);
  }

  get kind(): "folder" {
    return "folder";
  }

  /** Made of the text each time, but for the folder that was asked last. */
  get children(): readonly ConfigNode[] {
    if (lastRead?.folder !== this) lastRead = { folder: this, children: nodesOf(this.#text()) };
    return lastRead.children;
  }

  /** Length of its text. */
  get bytes(): number {
    return this.#end - this.#start;
  }

  named(name: string): ConfigFolder {
    return name === this.name ? this : new TextFolder(name, this.#where(), this.#tabs);
  }

  /** Whether both have the same text between their braces; false where that would take a look at each line. */
  hasTextOf(other: TextFolder): boolean {
    const { bytes, start, end } = other.#where();
    return (
      other.#tabs === this.#tabs &&
      end - start === this.#end - this.#start &&
      this.#bytes.compare(bytes, start, end, this.#start, this.#end) === 0
    );
  }

  /**
   * Writes what is between its braces, and keeps it there from now on: so nobody keeps what was written before. False where its lines
   * begin with another number of tabs.
   */
  moveTo(writer: TextWriter, tabs: number): boolean {
    if (tabs !== this.#tabs) return false;
    const { bytes, start, end } = writer.copy(this.#where());
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    return true;
  }

  #where(): TextPlace {
    return { bytes: this.#bytes, start: this.#start, end: this.#end };
  }

  #text(): string {
    return this.#bytes.toString("utf8", this.#start, this.#end);
  }
}

/** Whoever looks into a folder does so several times. */
let lastRead: { readonly folder: TextFolder; readonly children: readonly ConfigNode[] } | undefined;

/** The lines of nodes, indented by so many tabs; undefined where they are longer. */
function textWithin(children: readonly ConfigNode[], tabs: number, most: number): string | undefined {
  const indent = "\t".repeat(tabs);
  let text = "";
  let last: ConfigNode["kind"] | undefined;
  for (const child of children) {
    if (child.kind === "folder") {
      const within = textWithin(child.children, tabs + 1, most - text.length);
      if (within === undefined) return undefined;
      text += `${gapBetween(last)}${beginOf(child, indent)}${within}${endOf(indent)}`;
    } else text += lineOf(child, indent);
    last = child.kind;
    if (text.length > most) return undefined;
  }
  return text;
}

/** The nodes of a text that {@link textWithin} has made. */
function nodesOf(text: string): readonly ConfigNode[] {
  const open: { readonly name: string; readonly children: ConfigNode[] }[] = [{ name: "", children: [] }];
  for (const indented of text.split(lineEnd)) {
    const line = indented.slice(tabsOf(indented));
    const { name, children } = open.at(-1) as (typeof open)[number];
    const [first, second] = [line.indexOf(" "), line.lastIndexOf(" ")];
    if (line === "" || line === "{") continue;
    if (line === "}") {
      open.pop();
      open.at(-1)?.children.push({ kind: "folder", name, children });
    } else if (line.startsWith("#")) children.push({ kind: "comment", text: line });
    else if (first === second) open.push({ name: unescape(line.slice(first + 1), 0), children: [] });
    else {
      const word = (from: number, to?: number) => unescape(line.slice(from, to), 0);
      const type = line.slice(0, first);
      children.push({ kind: "item", type, name: word(first + 1, second), value: word(second + 1) });
    }
  }
  return open[0]?.children ?? [];
}

function tabsOf(line: string): number {
  let tabs = 0;
  while (line.charCodeAt(tabs) === 0x09) tabs++;
  return tabs;
}
