/**
 * Texts and paths in the form in which the official program, which is written in Go, puts them into its messages. Users
 * and components meet these messages, so they have to be the same here.
 */

const escapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** A string as Go's `%q` writes it: letters, marks, numbers, punctuation, symbols and the plain space as they are. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    quoted +=
      escapes[character] ??
      (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)
        ? character
        : code < 0x80
          ? `\\x${hex(code, 2)}`
          : code < 0x10000
            ? `\\u${hex(code, 4)}`
            : `\\U${hex(code, 8)}`);
  }
  return quoted + '"';
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

const errnoTexts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRNOTAVAIL: "cannot assign requested address",
  ECONNABORTED: "software caused connection abort",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENETUNREACH: "network is unreachable",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  ENOTSOCK: "socket operation on non-socket",
  EPERM: "operation not permitted",
  EPIPE: "broken pipe",
  EPROTOTYPE: "protocol wrong type for socket",
  ETIMEDOUT: "connection timed out",
};

/** What the system says about an error of a system call. */
export function systemErrorText(error: unknown): string {
  const code = errorCode(error);
  return (code && errnoTexts[code]) ?? (error instanceof Error ? error.message : String(error));
}

/** The code of a system error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** `host:port`, with brackets around an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
