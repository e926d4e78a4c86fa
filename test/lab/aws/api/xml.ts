/** An element's content: its text, or its children by name. Children called `item` or `member` make a list. */
export type XmlValue = string | XmlValue[] | { readonly [name: string]: XmlValue };

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const maxDepth = 64;

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: [string, XmlValue][];
}

/**
 * Reads an answer of an AWS API: elements and text. Attributes say nothing there, and neither do comments.
 *
 * @throws Error when elements do not end in the order in which they began
 */
export function parseXml(xml: string): Record<string, XmlValue> {
  const open: OpenElement[] = [{ name: "", text: "", children: [] }];
  for (const [token] of xml.matchAll(/<[^>]*>|[^<]+/g)) {
    const top = open.at(-1);
    if (top === undefined) throw new Error("the XML ends more elements than it begins");
    if (!token.startsWith("<")) top.text += decode(token);
    else if (token.startsWith("<?") || token.startsWith("<!")) continue;
    else if (token.startsWith("</")) {
      open.pop();
      const name = token.slice(2, -1).trim();
      if (name !== top.name) throw new Error(`the XML ends <${top.name}> by </${name}>`);
      open.at(-1)?.children.push([name, valueOf(top)]);
    } else {
      const name = /^<([^\s/>]+)/.exec(token)?.[1] ?? "";
      if (token.endsWith("/>")) top.children.push([name, ""]);
      else open.push({ name, text: "", children: [] });
      if (open.length > maxDepth) throw new Error(`the XML is nested more than ${maxDepth} deep`);
    }
  }
  const [root] = open;
  if (open.length !== 1 || root === undefined) throw new Error(`the XML does not end <${open.at(-1)?.name}>`);
  return Object.fromEntries(root.children);
}

function valueOf({ text, children }: OpenElement): XmlValue {
  if (children.length === 0) return text;
  if (children.every(([name]) => name === "item" || name === "member")) {
    return children.map(([, value]) => value);
  }
  return Object.fromEntries(children);
}

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    return entities[name] ?? whole;
  });
}

/** What lies on a path of names such as `instanceState.name`; an empty text when something is missing. */
export function at(value: XmlValue | undefined, path: string): XmlValue {
  let found: XmlValue | undefined = value;
  for (const name of path.split(".")) {
    if (found === undefined || typeof found === "string") return "";
    found = Array.isArray(found) ? found[Number(name)] : found[name];
  }
  return found ?? "";
}

/** The text on a path, which is empty when something is missing. */
export function textAt(value: XmlValue | undefined, path: string): string {
  const found = at(value, path);
  return typeof found === "string" ? found : "";
}

/** The elements of the list on a path. */
export function listAt(value: XmlValue | undefined, path: string): XmlValue[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}
