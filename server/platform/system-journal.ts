import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { writeUnlessFull } from "./log-output.ts";

const priorities: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 6 };

/**
 * Which of standard output and standard error systemd's journal reads, as its variable `JOURNAL_STREAM` tells (systemd.exec(5));
 * undefined outside of a service.
 */
export function journalDescriptor(env: NodeJS.ProcessEnv): 1 | 2 | undefined {
  const stream = env["JOURNAL_STREAM"];
  if (stream === undefined) return undefined;
  return ([1, 2] as const).find((descriptor) => {
    try {
      const { dev, ino } = fstatSync(descriptor, { bigint: true });
      return `${dev}:${ino}` === stream;
    } catch {
      return false;
    }
  });
}

/**
 * A line of the log as the journal takes it: with the priority in the form of sd-daemon(3), and without the time, which the
 * journal knows.
 */
export function journalLine(line: string): string {
  const { level = "", message } = /^\S+ (?<level>error|warn|info) (?<message>[^]*)$/.exec(line)?.groups ?? {};
  return `<${priorities[level] ?? priorities["warn"]}>${message ?? line}`;
}

/** The journal of the service that this process runs in. Never waits and never throws: the server matters more. */
export class SystemJournal {
  readonly #socket: Socket;

  private constructor(descriptor: number) {
    this.#socket = new Socket({ fd: descriptor, readable: false, writable: true });
    // The journal is gone.
    this.#socket.on("error", () => {});
    this.#socket.unref();
  }

  /** Undefined outside of a service whose output the journal reads. */
  static find(env: NodeJS.ProcessEnv): SystemJournal | undefined {
    const descriptor = journalDescriptor(env);
    return descriptor === undefined ? undefined : new SystemJournal(descriptor);
  }

  /** @param line of the log, with its line break */
  write(line: string): void {
    writeUnlessFull(this.#socket, journalLine(line));
  }
}
