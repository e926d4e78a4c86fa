/**
 * The same PEM with `\n` at the end of each line, the last one among them, and without space around the lines: how it was stored or
 * indented does not matter then, neither to those who read it nor to a comparison.
 */
export function normalPem(text: string): string {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  return `${lines.join("\n").trim()}\n`;
}

/** Labels of the blocks in a PEM, such as `CERTIFICATE`. */
export function pemLabels(text: string): string[] {
  return [...text.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$/gm)].map(([, label = ""]) => label);
}

/** What a text is that should be a PEM and is none, as far as it can be told, and the way out. */
export function mistakenPem(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return "is empty: give the content of the file";
  // base64 of "-----BEGIN".
  if (trimmed.startsWith("LS0tLS1CRUdJT")) return "is a PEM in base64: decode it first";
  if (trimmed.startsWith("-----BEGIN ")) {
    if (/\\n/.test(trimmed)) return 'has "\\n" where its lines should end: replace each by a line break';
    if (!/[\r\n]/.test(trimmed)) return "is a PEM on one line: keep its line breaks";
    if (!/-----END [A-Z0-9 ]+-----$/.test(trimmed)) {
      return "is cut off: the last line, -----END …-----, is missing";
    }
    return undefined;
  }
  const oneLine = trimmed.length <= 4096 && !/[\r\n]/.test(trimmed);
  const pathLike = /^(?:[/.~]|[a-z]:\\)|[\\/]|(?:^|[\\/])id_\w+$|\.(?:pem|key|crt|cer|ppk|txt)$/i;
  if (oneLine && !trimmed.includes(" ") && pathLike.test(trimmed)) {
    return 'looks like the path of a file: give its content, which readFileSync(path, "utf8") reads';
  }
  return undefined;
}
