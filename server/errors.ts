/**
 * Every way in which a command of the server can fail, with its stable code and its exit code.
 *
 * Unlike the original, whose programs end with 0 whatever happened (`Mayaqua/Unix.c`), an exit code here tells the truth.
 * `docs/reference/cli.md` lists the same table; a test holds the two together.
 */
export const errorCodes = {
  /** Something that none of the other codes describes. */
  FAILED: { exitCode: 1, meaning: "the command failed for another reason, which it prints" },
  USAGE: {
    exitCode: 2,
    meaning:
      "unknown command, unknown option or a value that is not allowed; apply: a desired state that is not",
  },
  ALREADY_RUNNING: { exitCode: 3, meaning: "start: a server with this state directory runs already" },
  NOT_RUNNING: { exitCode: 4, meaning: "stop, status, check: no server with this state directory runs" },
  NOT_PERMITTED: { exitCode: 5, meaning: "the operation needs rights that the user does not have" },
  UNHEALTHY: { exitCode: 6, meaning: "the server runs, but a listener that should serve does not" },
  STATE_INVALID: { exitCode: 7, meaning: "a file of the state directory cannot be read or written" },
  NOT_INSTALLED: { exitCode: 8, meaning: "uninstall: nothing was installed here" },
  ROLLED_BACK: {
    exitCode: 9,
    meaning: "install: the new release was unhealthy; the previous one runs again",
  },
  UNSUPPORTED: { exitCode: 10, meaning: "the host lacks what the operation needs, such as an init system" },
  BUSY: {
    exitCode: 11,
    meaning:
      "install, uninstall, firewall: another one is at work on the same installation; apply: the server is being started or stopped",
  },
  OWNED_BY_ANOTHER: { exitCode: 12, meaning: "install: the server belongs to another deployment" },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/**
 * A failure that the user can act on: it names the thing, the cause and the way out, and is printed without a stack.
 */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** The process exit code that belongs to {@link code}. */
  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }
}
