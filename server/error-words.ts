/** What errors say, as the part of a message that follows "cannot ...: ". */

/**
 * The words of an error. Never empty: one without a message, such as that of a connection that was tried at several
 * addresses, is told by the errors in it, else by its code or name.
 */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return (typeof error === "string" && error.trim()) || `an error without a message (${typeof error})`;
  }
  // Node.js 24 forgets the code of what its rmSync met: ", Unknown error: Read-only file system", or without the words after it.
  const message = error.message.replace(/^, Unknown error(?:: |$)/, "").trim();
  if (message !== "") return message;
  const errors = error instanceof AggregateError ? error.errors : [];
  const words = [...new Set(errors.map(wordsOf))].join("; ");
  return words || ((error as NodeJS.ErrnoException).code ?? error.name);
}

/**
 * Why a file or folder cannot be made or written, and the way out.
 *
 * @param option names another place, where there is such an option
 */
export function fileProblemOf(error: unknown, path: string, option?: "--prefix" | "--state-dir"): string {
  const elsewhere = option === undefined ? "" : `, or name another folder with ${option}`;
  switch ((error as NodeJS.ErrnoException | undefined)?.code ?? "") {
    case "ENOSPC":
      return `the file system of ${path} is full (ENOSPC): make room there, as \`df -h\` and \`df -i\` show it${elsewhere}`;
    case "EDQUOT":
      return `the user's quota on the file system of ${path} is used up (EDQUOT): make room there${elsewhere}`;
    case "EROFS":
      return `the file system of ${path} is mounted read-only (EROFS): mount it writable${elsewhere}`;
    case "EACCES":
    case "EPERM":
      return `this user may not write there (${wordsOf(error)}): run this as the user it belongs to, or as ${administrator}${elsewhere}`;
    case "ENOTDIR":
    case "EEXIST":
      return `a part of that path is a file and not a folder (${wordsOf(error)}): move it away${elsewhere}`;
    default:
      return `${wordsOf(error)}${elsewhere === "" ? "" : `; put that right${elsewhere}`}`;
  }
}

const administrator = process.platform === "win32" ? "an administrator" : "root";

/** What functions of Windows give for missing rights (`ERROR_ACCESS_DENIED`), where the runtime does not translate it. */
const accessDenied = 5;

/** Whether it is a question of rights. */
export function isAboutRights(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "EACCES" || code === "EPERM" || code === accessDenied;
}
