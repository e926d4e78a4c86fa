import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

/** A declaration file: its path relative to the project's root, as if it lay beside its source, and its text. */
export interface Declaration {
  readonly path: string;
  readonly text: string;
}

/**
 * Makes the type declarations of modules and of all that they refer to, and no others. Their imports end in `.js`, which
 * every mode of module resolution understands.
 *
 * @param entries paths of the modules relative to the root
 * @throws Error with the compiler's messages when the sources have type errors
 */
export function declarationsOf(root: string, entries: readonly string[]): Declaration[] {
  const options: ts.CompilerOptions = {
    ...compilerOptions(root),
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
    rootDir: root,
    outDir: root,
  };
  const program = ts.createProgram(
    entries.map((entry) => join(root, entry)),
    options,
  );
  const emitted = new Map<string, string>();
  const { diagnostics } = program.emit(
    undefined,
    (path, text) => emitted.set(relative(root, path), text),
    undefined,
    true,
  );
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (problems.length > 0) {
    throw new Error(
      ts.formatDiagnostics(problems, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => root,
        getNewLine: () => "\n",
      }),
    );
  }
  return reachableFrom(
    entries.map((entry) => entry.replace(/\.ts$/, ".d.ts")),
    emitted,
  );
}

function reachableFrom(entries: readonly string[], emitted: ReadonlyMap<string, string>): Declaration[] {
  const found = new Map<string, string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    let text = emitted.get(path);
    if (text === undefined) throw new Error(`${path} is referred to, but was not made`);
    // From the last to the first, so that positions stay right.
    for (const { fileName, pos, end } of ts.preProcessFile(text).importedFiles.reverse()) {
      if (!fileName.startsWith(".")) continue;
      open.push(relative(".", resolve(dirname(path), fileName.replace(/\.ts$/, ".d.ts"))));
      text = text.slice(0, pos) + text.slice(pos, end + 1).replace(/\.ts\b/, ".js") + text.slice(end + 1);
    }
    found.set(path, text);
  }
  return [...found].map(([path, text]) => ({ path, text })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The settings of the project's `tsconfig.json`. */
export function compilerOptions(root: string): ts.CompilerOptions {
  const path = join(root, "tsconfig.json");
  const read = ts.readConfigFile(path, (file) => ts.sys.readFile(file));
  if (read.error) throw new Error(ts.flattenDiagnosticMessageText(read.error.messageText, "\n"));
  return ts.parseJsonConfigFileContent(read.config, ts.sys, root).options;
}
