/** Where the parts of the server say what happens; one call, one line. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * Makes a logger that writes lines such as `2026-01-31T12:00:00.000Z warn listener 443: Error: ...` to `stream`. A line
 * break or other control character in a message becomes an escape, so that nothing a peer sends can forge a line.
 */
export function createLogger(
  stream: { write(line: string): unknown },
  options: { now?: () => Date } = {},
): Logger {
  const { now = () => new Date() } = options;
  const write = (level: string) => (message: string) => {
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    const line = message.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) =>
      character === "\n" ? "\\n" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
    stream.write(`${now().toISOString()} ${level} ${line}\n`);
  };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}
