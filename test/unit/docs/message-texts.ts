import ts from "typescript";

/** A text of a program, with "…" for each part that is not fixed. */
export interface MessageText {
  readonly text: string;
  /** Name of the function, method or class that it is handed to, such as `Error`; undefined when to none. */
  readonly receiver: string | undefined;
}

/** The texts of a source, those that are joined by `+` as one, and each once: not those within the parts of another. */
export function messageTextsIn(path: string, source: string): MessageText[] {
  // Comments are most of the work, and no texts of the program.
  const jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
  const file = ts.createSourceFile(path, source, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode,
  });
  const found: MessageText[] = [];
  const visit = (node: ts.Node, receiver: string | undefined): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    const text = ts.isExpression(node) ? fixedText(node) : undefined;
    if (text !== undefined) {
      found.push({ text: plain(text), receiver });
      // What a hole may hold is a text of its own.
      ts.forEachChild(node, (child) => visitHoles(child, receiver));
      return;
    }
    const called =
      ts.isCallExpression(node) || ts.isNewExpression(node) ? nameOf(node.expression, file) : receiver;
    ts.forEachChild(node, (child) => visit(child, called));
  };
  const visitHoles = (node: ts.Node, receiver: string | undefined): void => {
    if (ts.isTemplateSpan(node)) visit(node.expression, receiver);
    else if (
      ts.isBinaryExpression(node) ||
      ts.isTemplateExpression(node) ||
      ts.isParenthesizedExpression(node)
    ) {
      ts.forEachChild(node, (child) => visitHoles(child, receiver));
    }
  };
  visit(file, undefined);
  return found;
}

/** What the shell script in a text prints by `fail`, and what it adds to `unfit`. */
export function shellMessagesIn(script: string): string[] {
  const fails = [...script.matchAll(/\bfail "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text);
  const unfit = [...script.matchAll(/unfit="\$unfit; ([^"]*)"/g)].map(([, text = ""]) => text);
  return [...fails, ...unfit].map(withoutVariables);
}

/** The part of a message that says what is wrong, without holes at its ends: up to the cause or the way out. */
export function headOf(text: string): string {
  const whole = trimHoles(text);
  const head = trimHoles(whole.replace(/[:;.]\s[^]*$|[:;.]$/, ""));
  return head.split(" ").length > 1 ? head : whole;
}

/** Without code marks and line breaks. */
export function plain(text: string): string {
  return text
    .replaceAll("`", "")
    .replace(/\s+/g, " ")
    .replace(/…(?: ?…)+/g, "…")
    .trim();
}

export function withoutVariables(script: string): string {
  return plain(script.replaceAll("\\", "").replace(/\$\{[^}]*\}|\$\w+/g, "…"));
}

function trimHoles(text: string): string {
  return text.replace(/^[\s…:;,."()]+(?=\S)/, "").replace(/[\s…:;,."()]+$/, "");
}

function fixedText(node: ts.Expression): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [fixedText(node.left), fixedText(node.right)];
    return left === undefined && right === undefined ? undefined : `${left ?? "…"}${right ?? "…"}`;
  }
  return undefined;
}

function nameOf(callee: ts.Expression, file: ts.SourceFile): string {
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText(file);
}
