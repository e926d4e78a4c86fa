import { getSystemErrorMap } from "node:util";

/** A system call failed. It has the members by which errors of Node.js are told apart. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  /** Such as `EPERM`. */
  readonly code: string;
  readonly syscall: string;
  /** Negative, as libuv has it. */
  readonly errno: number;

  /** @param errno as C has it, positive */
  constructor(syscall: string, errno: number, subject: string) {
    const code = nameOf(errno);
    super(`${code}: ${syscall} ${subject}`);
    this.code = code;
    this.syscall = syscall;
    this.errno = -errno;
  }
}

/** What libuv has no name for: no child of this process, a TAP whose interface is gone (`asm-generic/errno.h`). */
const otherNames: Readonly<Record<number, string>> = { 10: "ECHILD", 77: "EBADFD" };

function nameOf(errno: number): string {
  return otherNames[errno] ?? getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}
