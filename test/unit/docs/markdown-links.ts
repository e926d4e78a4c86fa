import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What is wrong with the relative links of a Markdown file and with their anchors, a line for each; empty when all lead somewhere. */
export function brokenLinks(root: string, page: string): string[] {
  return linksIn(readFileSync(join(root, page), "utf8")).flatMap((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? join(root, page) : join(root, dirname(page), decodeURIComponent(path));
    if (relative(root, target).startsWith("..")) return [`${page}: ${link} leads out of ${root}`];
    if (!existsSync(target)) return [`${page}: ${link} leads nowhere`];
    if (anchor === undefined || statSync(target).isDirectory()) return [];
    const isThere = anchorsIn(readFileSync(target, "utf8")).includes(anchor);
    return isThere ? [] : [`${page}: ${link} names a heading that is not there`];
  });
}

/** Targets of links to files and headings; those to other sites are left out. */
export function linksIn(markdown: string): string[] {
  const text = withoutCode(markdown);
  const inline = [...text.matchAll(/\]\(\s*<?([^)>\s]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...text.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^>\s]+)/gm)];
  return [...inline, ...references]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

/** Anchors of the headings, as GitHub makes them. */
export function anchorsIn(markdown: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutBlocks(markdown).matchAll(/^#{1,6} +(.+?) *#* *$/gm)].map(([, heading = ""]) => {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

function withoutCode(markdown: string): string {
  return withoutBlocks(markdown).replace(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, "");
}

function withoutBlocks(markdown: string): string {
  return markdown.replace(/^ {0,3}(```+|~~~+)[^]*?^ {0,3}\1/gm, "").replace(/^( {4}|\t).*$/gm, "");
}
