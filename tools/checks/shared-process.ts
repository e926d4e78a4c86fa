import { writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { after, describe, mock } from "node:test";
// Where X509Certificate.toLegacyObject loads it instead, it is without createSecureContext for the rest of the process (Node.js 24).
import "node:tls";
import { pathToFileURL } from "node:url";
import { filesOf, groupNamed, type TestGroupName } from "./test-groups.ts";

/** For the import of a file, and for what tests closed to be gone. */
const graceMs = 30_000;

/**
 * What node's test runner starts a process for, each: the files of a group or, where they share processes, modules that run them, which
 * are written into `modulesFolder` and named after what they run.
 */
export function modulesOf(name: TestGroupName, root: string, modulesFolder: string): string[] {
  const files = filesOf(name, root);
  const { sharedProcesses } = groupNamed(name);
  if (sharedProcesses === undefined) return files;
  const groupFolder = join(root, "test", name);
  const byFolder = Map.groupBy(files, (file) => relative(groupFolder, file).split(sep)[0] ?? "");
  const self = pathToFileURL(import.meta.filename).href;
  return deal([...byFolder], sharedProcesses).map((share) => {
    const path = join(modulesFolder, `${share.map(([folder]) => folder).join("+")}.mjs`);
    const lines = [
      `import { runFiles } from ${JSON.stringify(self)};`,
      `await runFiles(${JSON.stringify(share.flatMap(([, inFolder]) => inFolder))}, ${JSON.stringify(root)});`,
    ];
    writeFileSync(path, lines.join("\n"));
    return path;
  });
}

type Folder = readonly [name: string, files: readonly string[]];

/** Shares with about as many files each. */
function deal(folders: readonly Folder[], count: number): Folder[][] {
  const shares = Array.from({ length: count }, () => ({ folders: [] as Folder[], files: 0 }));
  for (const folder of folders.toSorted(([, one], [, other]) => other.length - one.length)) {
    const share = shares.reduce((least, next) => (next.files < least.files ? next : least));
    share.folders.push(folder);
    share.files += folder[1].length;
  }
  return shares.map((share) => share.folders).filter((dealt) => dealt.length > 0);
}

/**
 * Runs test files one after the other in this process. Each is a suite: its hooks are for its own tests, and the next file is imported
 * when it has ended.
 */
export async function runFiles(files: readonly string[], root: string): Promise<void> {
  let running: string | undefined;
  process.on("exit", () => {
    if (running === undefined) return;
    console.error(`the process ended within ${running}`);
    process.exitCode = 1;
  });
  // A test that waits for nothing is to meet its timeout, and not to end the process before the other files.
  const alive = setInterval(() => {}, graceMs);
  for (const file of files) {
    running = relative(root, file);
    await describe(running, async () => {
      const found = processState();
      const late = setTimeout(() => process.exit(), graceMs);
      await import(pathToFileURL(file).href).finally(() => clearTimeout(late));
      // Behind the hooks of the file, which may put things back.
      after(() => {
        const left = processState();
        mock.reset();
        const changed = Object.keys({ ...found, ...left }).filter((name) => left[name] !== found[name]);
        if (changed.length > 0) throw new Error(`changed for the files after it: ${changed.join(", ")}`);
      });
    });
  }
  running = undefined;
  clearInterval(alive);
  const stillOpen = () => {
    console.error(`left open by a test: ${process.getActiveResourcesInfo().join(", ")}`);
    process.exit(1);
  };
  setTimeout(stillOpen, graceMs).unref();
}

/** What a test could change for all that come after it. */
function processState(): Readonly<Record<string, unknown>> {
  const variables = Object.entries(process.env).map(([name, value]) => [`$${name}`, value]);
  return {
    ...(Object.fromEntries(variables) as Record<string, string>),
    umask: process.umask(),
    "working directory": process.cwd(),
    setTimeout,
    Date,
  };
}
