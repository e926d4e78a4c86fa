/** Arguments that begin with a slash, as the manual of SoftEther VPN Server has them, in the order of the help box. */
export const verbs = {
  install: {
    does: "install the server as a service that starts with Windows, and start it",
    needsAdministrator: true,
  },
  uninstall: { does: "stop the service and take it away", needsAdministrator: true },
  start: { does: "start the service", needsAdministrator: true },
  stop: { does: "stop the service", needsAdministrator: true },
  usermode: { does: "run the server for this user, with an icon in the task bar", needsAdministrator: false },
  usermode_showtray: { does: "the same, and show the icon from now on", needsAdministrator: false },
  usermode_hidetray: { does: "the same, and hide the icon from now on", needsAdministrator: false },
  service: { does: "what Windows itself runs", needsAdministrator: false },
  help: { does: "show this", needsAdministrator: false },
} as const satisfies Record<string, { readonly does: string; readonly needsAdministrator: boolean }>;

export type Verb = keyof typeof verbs;

/** What a command line of Windows asks for. */
export type WindowsCommand =
  | {
      readonly kind: "verb";
      readonly verb: Exclude<Verb, "help">;
      /** No boxes, and no questions: what would be asked is done. */
      readonly silent: boolean;
      /** From `--state-dir`. */
      readonly stateDirectory: string | undefined;
    }
  /** The help box. */
  | {
      readonly kind: "help";
      /** What is wrong with the command line; `undefined` where help was asked for. */
      readonly problem: string | undefined;
    };

/**
 * Reads a command line whose arguments begin with a slash, or an empty one. Their case does not matter.
 *
 * @returns `undefined` when it is one of the commands that there are on every system
 */
export function parseWindowsCommand(words: readonly string[]): WindowsCommand | undefined {
  const { stateDirectory, rest } = takeStateDirectory(words);
  const [first, ...options] = rest;
  if (first === undefined) return words.length === 0 ? { kind: "help", problem: "no argument" } : undefined;
  if (!first.startsWith("/")) return undefined;
  const name = first.slice(1).toLowerCase();
  const verb = Object.hasOwn(verbs, name) ? (name as Verb) : name === "?" ? "help" : undefined;
  if (verb === undefined) return { kind: "help", problem: `${first} is not known` };
  if (verb === "help") return { kind: "help", problem: undefined };
  let silent = false;
  for (const option of options) {
    if (option.toLowerCase() !== "/silent") return { kind: "help", problem: `${option} is not known` };
    silent = true;
  }
  return { kind: "verb", verb, silent, stateDirectory };
}

/** `--state-dir DIRECTORY` before the verb, as before every command. */
function takeStateDirectory(words: readonly string[]): {
  stateDirectory: string | undefined;
  rest: readonly string[];
} {
  const [first, second] = words;
  if (first === "--state-dir" && second !== undefined)
    return { stateDirectory: second, rest: words.slice(2) };
  const value = first?.startsWith("--state-dir=") ? first.slice("--state-dir=".length) : undefined;
  return value === undefined
    ? { stateDirectory: undefined, rest: words }
    : { stateDirectory: value, rest: words.slice(1) };
}

/**
 * The help of the verbs, without a line break at the end.
 *
 * @param inColumns for a console; a box has letters of different widths
 */
export function verbHelp(program: string, inColumns: boolean): string {
  const names = Object.keys(verbs).filter((name) => name !== "service") as Verb[];
  const width = Math.max(...names.map((name) => name.length)) + 3;
  const lineOf = (name: Verb) =>
    inColumns ? `  ${`/${name}`.padEnd(width)} ${verbs[name].does}` : `/${name}:  ${verbs[name].does}`;
  return [
    `Usage: ${program} [--state-dir DIRECTORY] VERB [/silent]`,
    "",
    ...names.map(lineOf),
    "",
    "/silent: no boxes; a service that is installed already is replaced without a question.",
    `The commands of a console, such as start, stop, status and apply: ${program} --help`,
  ].join("\n");
}
