import { createInterface } from "node:readline/promises";
import type { BoxKind, WindowsSession } from "../native/windows/session.ts";
import { productName } from "./service-plan.ts";

/** How a person is told of something. */
export interface Notices {
  tell(kind: BoxKind, text: string): Promise<void>;
  /** A question with Yes and No, of which No is the default; `undefined` where there is nobody to ask. */
  ask(question: string): Promise<boolean | undefined>;
}

/** What there is to tell a person by. */
export interface NoticeFacts {
  /** See {@link WindowsSession.consoleProcesses}. */
  readonly consoleProcesses: number;
  readonly hasDesktop: boolean;
  /** See {@link WindowsSession.isRedirected}. */
  readonly isRedirected: boolean;
  readonly silent: boolean;
}

/**
 * A box is for who has started the program by mouse, and has no console or one that was opened for it. In a console that it
 * shares with a shell, and where somebody reads its output, it writes there. A box that nobody sees would never be closed.
 */
export function wantsBoxes({ consoleProcesses, hasDesktop, isRedirected, silent }: NoticeFacts): boolean {
  return !silent && hasDesktop && !isRedirected && consoleProcesses < 2;
}

/** Boxes of Windows. */
export class Boxes implements Notices {
  readonly #session: WindowsSession;

  constructor(session: WindowsSession) {
    this.#session = session;
    // Otherwise an empty window stands behind the box.
    session.leaveConsole();
  }

  tell(kind: BoxKind, text: string): Promise<void> {
    return this.#session.tell(kind, productName, text);
  }

  ask(question: string): Promise<boolean | undefined> {
    return this.#session.ask(productName, question);
  }
}

/** The console, or wherever the output goes. */
export class ConsoleNotices implements Notices {
  async tell(kind: BoxKind, text: string): Promise<void> {
    const [stream, line] =
      kind === "information" ? [process.stdout, `${text}\n`] : [process.stderr, `vpnserver: ${text}\n`];
    // The process ends next, and consoles of Windows are written to in the background.
    await new Promise<void>((resolve) => stream.write(line, () => resolve()));
  }

  async ask(question: string): Promise<boolean | undefined> {
    if (!process.stdin.isTTY) return undefined;
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^\s*y(es)?\s*$/i.test(await lines.question(`${question} [y/N] `));
    } finally {
      lines.close();
    }
  }
}
