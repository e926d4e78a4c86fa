import { atOnce, type Steps } from "../../turns.ts";
import { beginOf, endOf, gapBetween, lineEnd, lineOf } from "./config-lines.ts";
import type { ConfigDocument, ConfigFolder, ConfigNode } from "./config-node.ts";
import { TextFolder } from "./text-folder.ts";
import { TextWriter } from "./text-writer.ts";

/** The bytes of a configuration file. Reading them gives the same document again. */
export function formatConfig(document: ConfigDocument): Buffer {
  return Buffer.concat(atOnce(formatConfigInSteps(document)));
}

/**
 * Like {@link formatConfig}, in parts. What is kept as text is kept in these from now on, so that what it was kept in before is free: nobody
 * may change them.
 */
export function* formatConfigInSteps({ header, root }: ConfigDocument): Steps<readonly Buffer[]> {
  const parts: Buffer[] = [];
  const text = new TextWriter((part) => parts.push(part));
  text.add("\uFEFF");
  for (const line of header) text.add(`${line}${lineEnd}`);
  yield* formatFolder(root, 0, text);
  text.end();
  return parts;
}

function* formatFolder(folder: ConfigFolder, tabs: number, text: TextWriter): Steps<void> {
  const indent = "\t".repeat(tabs);
  text.add(beginOf(folder, indent));
  const isWritten = folder instanceof TextFolder && folder.moveTo(text, tabs + 1);
  if (!isWritten) yield* formatChildren(folder.children, tabs + 1, text);
  text.add(endOf(indent));
}

function* formatChildren(children: readonly ConfigNode[], tabs: number, text: TextWriter): Steps<void> {
  const indent = "\t".repeat(tabs);
  let last: ConfigNode["kind"] | undefined;
  for (const child of children) {
    if (child.kind === "folder") {
      text.add(gapBetween(last));
      yield* formatFolder(child, tabs, text);
    } else text.add(lineOf(child, indent));
    last = child.kind;
    if (text.hasPiece) yield;
  }
}
